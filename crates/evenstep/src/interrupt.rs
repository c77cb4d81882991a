//! Ctrl-C and a polite kill: what is being written aside goes away, and so does the process.

use std::sync::Arc;

use evenstep_files::Files;

/// Waits for a signal in a thread of its own. The exit code is 128 and the signal's number, as a
/// shell would say it.
#[cfg(unix)]
pub(crate) fn watch(files: Arc<dyn Files>) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Where no handler is allowed, or no thread, the signal kills: leftovers go with the next write.
    let thread = std::thread::Builder::new().spawn(move || {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        if let Some(signal) = signals.forever().next() {
            evenstep_files::abandon(&*files);
            std::process::exit(128 + signal);
        }
    });
    if thread.is_err() {
        evenstep_exact::reduce::stay_on_this_thread();
    }
}

/// From here on a signal to hang up kills no more, also while what will be served is still being read; once it is served, the
/// server hears it.
#[cfg(unix)]
pub(crate) fn outlive_hang_up() {
    // Where no handler is allowed the signal kills.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::default());
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(crate) fn outlive_hang_up() {}

/// Ctrl-C kills here: leftovers go with the next write.
#[cfg(not(unix))]
pub(crate) fn watch(_files: Arc<dyn Files>) {}
