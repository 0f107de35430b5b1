//! Random bytes from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

/// `N` random bytes, fit for secrets.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::internal("the operating system gave no random bytes", None))?;
    Ok(bytes)
}
