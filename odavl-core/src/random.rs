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

/// An id of 26 random characters for what has no type of its own, such as a request.
pub fn id() -> String {
    // Without randomness nothing else works either; an empty id loses a log line's context, not a request.
    bytes::<16>().map(|bytes| crate::secret::hex(&bytes)).unwrap_or_default()
}
