//! placeholder
use super::port::{Decision, Entry, Metering};
use std::sync::Arc;
/// x
#[derive(Debug)]
pub struct Combiner(Arc<dyn Metering>);
impl Combiner {
    /// x
    pub fn new(port: Arc<dyn Metering>) -> Self {
        Self(port)
    }
    /// x
    pub async fn decide(&self, entry: Entry) -> crate::Result<Decision> {
        Ok(self.0.apply(&[entry]).await?.remove(0))
    }
}
