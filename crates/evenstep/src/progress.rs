//! Progress on stderr, for people who watch.

use std::io::IsTerminal;
use std::sync::Mutex;

use evenstep_pipeline::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar a stage, or a line a stage where nobody watches a terminal.
pub(crate) struct Bars {
    bar: Mutex<Option<ProgressBar>>,
    quiet: bool,
    terminal: bool,
}

impl Bars {
    pub(crate) fn new(quiet: bool) -> Bars {
        Bars { bar: Mutex::new(None), quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// Takes the last bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.slot().take() {
            bar.finish_and_clear();
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn stage(&self, name: &str, total: Option<u64>) {
        if self.quiet {
            return;
        }
        self.finish();
        if !self.terminal {
            crate::output::note(&format!("{name} …"));
            return;
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(style("{msg:24} {bar:30} {pos}/{len} {prefix}")),
            None => ProgressBar::new_spinner().with_style(style("{spinner} {msg} {prefix}")),
        };
        bar.set_message(name.to_owned());
        *self.slot() = Some(bar);
    }

    fn done(&self, so_far: u64, note: &str) {
        if let Some(bar) = &*self.slot() {
            bar.set_position(so_far);
            bar.set_prefix(note.to_owned());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("our templates are well formed")
}
