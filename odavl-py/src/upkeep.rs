//! What an open installation does by itself: it gives back what expired, removes garbage, and tells by webhooks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use odavl_client::door::courier::Post;
use odavl_core::{
    Odavl,
    webhooks::{Courier, Letter},
};
use tokio::{sync::OnceCell, task::JoinSet, time::timeout};

/// How long the end waits for the common work to be left to another node, which else takes it a little later.
const LEAVE: Duration = Duration::from_secs(1);

/// The tasks that do it; they are cut off when it is dropped.
pub(crate) struct Upkeep(JoinSet<()>);

impl Upkeep {
    /// Begins; on the runtime that it is called on.
    pub(crate) fn begin(odavl: &Odavl) -> Self {
        let post = Arc::new(Late { private: odavl.settings().private_webhooks, post: OnceCell::new() });
        let (tidy, tell) = (odavl.clone(), odavl.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { tidy.keep_tidy().await });
        tasks.spawn(async move { tell.keep_telling(post).await });
        Self(tasks)
    }

    /// Returns when the tasks are gone, and the common work is another node's.
    pub(crate) async fn end(mut self, odavl: &Odavl) {
        self.0.shutdown().await;
        // Where it fails, another node takes the work over by itself.
        let _ = timeout(LEAVE, odavl.step_down()).await;
    }
}

/// A post that is made when there is something to send: making it takes longer than opening all the rest.
#[derive(Debug)]
struct Late {
    private: bool,
    post: OnceCell<Post>,
}

#[async_trait]
impl Courier for Late {
    async fn send(&self, letter: &Letter) -> odavl_core::Result<u16> {
        let make = || async { Post::new(self.private) };
        self.post.get_or_try_init(make).await?.send(letter).await
    }
}
