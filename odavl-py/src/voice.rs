//! What the library says of itself where nobody waits for an answer, such as upkeep that fails: told to Python's `logging`.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, OnceLock},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::delivery::Post;

/// The levels of `logging`.
const WARNING: u8 = 30;
const ERROR: u8 = 40;

/// Warnings and errors of the threads that have it.
#[derive(Clone, Default)]
pub(crate) struct Voice(Arc<OnceLock<Post>>);

impl Voice {
    /// Takes what is said on this thread, until it ends.
    pub(crate) fn of_thread(&self) {
        std::mem::forget(tracing::subscriber::set_default(self.clone()));
    }

    /// Says by whom it is told.
    pub(crate) fn told_by(&self, post: Post) {
        // It is told by the first.
        let _ = self.0.set(post);
    }
}

impl Subscriber for Voice {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("odavl")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(post) = self.0.get() else { return };
        let level = if *event.metadata().level() == Level::ERROR { ERROR } else { WARNING };
        let mut text = Text::default();
        event.record(&mut text);
        post.say(level, text.message + &text.fields);
    }

    // Spans are not told.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// An event as one line.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to memory does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name}: {value:?}"),
        };
    }
}
