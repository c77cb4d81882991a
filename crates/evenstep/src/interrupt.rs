//! Ctrl-C, a polite kill and a terminal that is closed: what is being written aside goes away, and so does the process.

use std::sync::Arc;

use evenstep_files::Files;

/// Waits for a signal in a thread of its own. The exit code is 128 and the signal's number, as a
/// shell would say it.
#[cfg(unix)]
pub(crate) fn watch(files: Arc<dyn Files>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Where no handler is allowed, or no thread, the signal kills: leftovers go with the next write.
    let (installed, is_installed) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let ending = if ignores_hang_up() { &[SIGINT, SIGTERM][..] } else { &[SIGINT, SIGTERM, SIGHUP] };
        let Ok(mut signals) = Signals::new(ending) else { return };
        let _ = installed.send(());
        if let Some(signal) = signals.forever().next() {
            evenstep_files::abandon(&*files);
            std::process::exit(128 + signal);
        }
    });
    match thread {
        // Nothing is begun that a signal would leave half done.
        Ok(_) => drop(is_installed.recv()),
        Err(_) => evenstep_exact::reduce::stay_on_this_thread(),
    }
}

/// Whether whoever started the program wants it to outlive its terminal, as `nohup` does; so it stays where nobody can say.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is that of signal 1.
    ignored.is_none_or(|mask| mask & 1 == 1)
}

/// From here on a signal to hang up kills no more, also while what will be served is still being read; once it is served, the
/// server hears it.
#[cfg(unix)]
pub(crate) fn outlive_hang_up() {
    // Where no handler is allowed the signal kills.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::default());
}

/// From here on a file that may not grow (`ulimit -f`) is an error of whoever writes it, and no end of the process.
#[cfg(unix)]
pub(crate) fn outlive_large_files() {
    // Where no handler is allowed the signal kills.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(crate) fn outlive_large_files() {}

/// There is no such signal here.
#[cfg(not(unix))]
pub(crate) fn outlive_hang_up() {}

/// Ctrl-C kills here: leftovers go with the next write.
#[cfg(not(unix))]
pub(crate) fn watch(_files: Arc<dyn Files>) {}
