//! Taking turns: what is read, changed and written again must be nobody else's meanwhile.

use std::fs;
use std::path::Path;

use crate::output::folder;

/// Keeps others who wait for their turn in the same folder waiting, until it is dropped or its process ends.
#[must_use = "it ends when it is dropped"]
#[derive(Debug)]
pub struct Turn(Option<fs::File>);

impl Turn {
    /// Waits for the turn to write in the folder of `target`, or of what it links to. Where folders can't be locked, nobody
    /// waits.
    pub fn wait(target: &Path) -> Turn {
        let linked = target.canonicalize();
        let held = fs::File::open(folder(linked.as_deref().unwrap_or(target)));
        Turn(held.ok().filter(|folder| folder.lock().is_ok()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Closing it isn't enough, should a process have been forked meanwhile.
        let _ = self.0.take().map(|folder| folder.unlock());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::{Disk, Files, write};

    #[test]
    fn who_takes_turns_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("count");
        fs::write(&target, "0").expect("written");
        let add = || {
            let _turn = Turn::wait(&target);
            let count: usize = fs::read_to_string(&target).expect("it is there").parse().expect("a number");
            write(&(Arc::new(Disk) as Arc<dyn Files>), &target, (count + 1).to_string().as_bytes()).expect("written");
        };
        thread::scope(|scope| (0..20).for_each(|_| drop(scope.spawn(add))));
        assert_eq!(fs::read_to_string(&target).expect("it is there"), "20");
    }
}
