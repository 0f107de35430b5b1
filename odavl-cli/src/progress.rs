//! How far a long transfer is: a bar on standard error, for whoever watches.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::printable::printable;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::output::Output;

/// What is done within this time shows no bar.
const SHORT: Duration = Duration::from_secs(1);
const ROWS: &str = "{msg} [{wide_bar}] {percent} %, {eta} left";
const LOOK: &str = "{msg} [{wide_bar}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";

/// Bytes that are on their way. The bar goes when the last clone does.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    since: Instant,
    sight: Sight,
    /// What this attempt has added.
    added: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Wanted,
    Unwanted,
}

impl Progress {
    /// `bytes` that are on their way, and what is done with them.
    pub(crate) fn new(what: &str, bytes: u64, output: Output) -> Self {
        Self::looking(LOOK, what, bytes, output)
    }

    /// Rows, of which it is not known yet how many there are.
    pub(crate) fn rows(what: &str, output: Output) -> Self {
        Self::looking(ROWS, what, 0, output)
    }

    fn looking(look: &str, what: &str, total: u64, output: Output) -> Self {
        let sight =
            if output.is_quiet() || !io::stderr().is_terminal() { Sight::Unwanted } else { Sight::Wanted };
        let style = ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
            .with_style(style.progress_chars("=> "))
            .with_message(printable(what))
            .with_finish(ProgressFinish::AndClear);
        Self { bar, since: Instant::now(), sight, added: Arc::default() }
    }

    /// The same bar for an attempt of its own, which may come to nothing.
    pub(crate) fn attempt(&self) -> Self {
        Self { added: Arc::default(), ..self.clone() }
    }

    /// So many more have gone.
    pub(crate) fn add(&self, bytes: u64) {
        self.added.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        self.show();
    }

    /// So many are done, of so many.
    pub(crate) fn reach(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.show();
    }

    fn show(&self) {
        if self.sight == Sight::Wanted && self.bar.is_hidden() && self.since.elapsed() > SHORT {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// What this attempt has sent did not arrive.
    pub(crate) fn take_back(&self) {
        self.bar.dec(self.added.swap(0, Ordering::Relaxed));
    }
}
