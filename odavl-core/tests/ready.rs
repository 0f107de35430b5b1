//! Whether a node is ready to serve.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in"))]

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use odavl_core::{ErrorCode, Result, metering::Consume};
    use tokio::time::timeout;

    use crate::support::{
        Plan, World,
        ports::{Call, Watch},
    };

    /// Panics in the next batch, once it is armed.
    #[derive(Debug, Clone, Default)]
    struct Panics(Arc<AtomicBool>);

    impl Watch for Panics {
        async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
            let due = call.name == "apply" && self.0.swap(false, Ordering::SeqCst);
            assert!(!due, "on purpose");
            work.await
        }
    }

    #[tokio::test]
    async fn a_node_whose_metering_has_ended_is_not_ready() {
        let (world, panics) = (World::memory(Plan::bytes(1000)).await, Panics::default());
        let odavl = world.start_with(&panics);
        odavl.ready().await.unwrap();
        let session = world.session(&odavl, "one").await;
        panics.0.store(true, Ordering::SeqCst);
        let meter = "insight_analyses".parse().unwrap();
        let wish = Consume { meter, units: 1, idempotency_key: None, tags: BTreeMap::new() };
        session.usage().consume(wish).await.unwrap_err();
        // The caller is answered while its task ends.
        let ended = async {
            while odavl.ready().await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), ended).await.expect("it says that it is ready");
        let refused = odavl.ready().await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unavailable);
        assert!(refused.to_string().contains("metering"), "{refused}");
        world.start().ready().await.unwrap();
    }
}
