//! How many connections there are places for: as many as may be open at once, or as the host gives the process files for.

use crate::limits::{ADMIN_CONNECTIONS_MAX, CONNECTIONS_FROM_ONE_MAX, CONNECTIONS_MAX, FILES_ASIDE};

/// Connections that are open at once to one listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Places {
    pub(crate) all: usize,
    /// From one address.
    pub(crate) from_one: usize,
}

impl Places {
    pub(crate) fn of(all: usize) -> Places {
        Places { all, from_one: (all * CONNECTIONS_FROM_ONE_MAX / CONNECTIONS_MAX as usize).max(1) }
    }
}

/// The places of both listeners, and how many files they are limited by, if they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limited {
    pub(crate) callers: Places,
    pub(crate) admins: Places,
    pub(crate) files: Option<usize>,
}

/// Files that the process needs to be able to open.
pub(crate) const FILES_WANTED: usize = CONNECTIONS_MAX as usize + ADMIN_CONNECTIONS_MAX + FILES_ASIDE;

impl Limited {
    /// By the files that the host gives, of which all are taken: what it gives unasked is often fewer than it would.
    pub(crate) fn by_host() -> Limited {
        Limited::by(files())
    }

    fn by(files: usize) -> Limited {
        let admins = ADMIN_CONNECTIONS_MAX.min(files / 8);
        let free = files - admins - FILES_ASIDE.min(files / 4);
        Limited {
            callers: Places::of(free.min(CONNECTIONS_MAX as usize)),
            admins: Places::of(admins.max(1)),
            files: (files < FILES_WANTED).then_some(files),
        }
    }
}

/// How many files the process may have open.
#[cfg(unix)]
fn files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it can't be raised, it stays what it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum.or(Some(FILES_WANTED as u64)), maximum });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn files() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_there_are_files_for() {
        let enough = Limited::by(FILES_WANTED);
        assert_eq!(enough, Limited { files: None, ..Limited::by(1 << 20) });
        assert_eq!(enough.callers, Places { all: CONNECTIONS_MAX as usize, from_one: CONNECTIONS_FROM_ONE_MAX });
        for files in [16, 64, 256, 1024, 4096, FILES_WANTED - 1] {
            let Limited { callers, admins, files: told } = Limited::by(files);
            assert_eq!(told, Some(files));
            assert!(
                callers.all + admins.all < files && callers.from_one < callers.all,
                "{files}: {callers:?} {admins:?}"
            );
            // Some are left for whoever comes from elsewhere.
            assert!(callers.from_one + admins.from_one < files * 3 / 4, "{files}: {callers:?} {admins:?}");
        }
    }
}
