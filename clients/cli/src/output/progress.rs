//! Progress on standard error, for people who wait.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(100);
/// How often a bar is drawn.
const DRAWS_PER_SECOND: u8 = 10;

/// A progress bar, which vanishes when it is dropped. Hidden where standard error is no terminal,
/// or on demand.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of bytes done of bytes in all, such as `reading loans.csv`.
    pub(crate) fn bytes(what: impl Into<String>, quiet: bool) -> Self {
        Self::new(what, quiet, "{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    /// A bar of rows, records or other things done of all.
    pub(crate) fn count(what: impl Into<String>, quiet: bool) -> Self {
        Self::new(what, quiet, "{msg} {wide_bar} {human_pos}/{human_len} {eta}")
    }

    fn new(what: impl Into<String>, quiet: bool, template: &str) -> Self {
        let target = if quiet || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
        };
        let bar = ProgressBar::with_draw_target(Some(1), target).with_message(what.into());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self { bar }
    }

    /// Shows that `done` of `total` is done.
    pub(crate) fn set(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    /// Removes the bar, so that what is printed next stands alone.
    pub(crate) fn finish(self) {
        drop(self);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_bar_is_hidden_and_counts_all_the_same() {
        for progress in [Progress::bytes("reading", true), Progress::count("rows", true)] {
            assert!(progress.bar.is_hidden());
            progress.set(3, 10);
            assert_eq!((progress.bar.position(), progress.bar.length()), (3, Some(10)));
            progress.finish();
        }
    }

    #[test]
    fn templates_are_valid() {
        for template in ["{msg} {wide_bar} {bytes}/{total_bytes} {eta}", "{msg} {human_pos}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
