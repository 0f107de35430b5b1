//! What opaque credentials are made of: 256 random bits in base 62, and a CRC-32 that finds typing mistakes.
//!
//! `<prefix>_<what>_<id>_<secret>_<crc>`, where the secret is 43 digits and the CRC over all before it is 6.

use crate::{error::Result, random, secret::Secret};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET: usize = 43;
const CRC: usize = 6;

/// A new secret: 256 random bits.
pub(super) fn secret() -> Result<String> {
    Ok(base62(&random::bytes::<32>()?, SECRET))
}

/// The credential: `body`, then its CRC.
pub(super) fn with_crc(body: String) -> Secret<String> {
    let crc = crc(&body);
    Secret::new(body + "_" + &crc)
}

/// Prefix, what, id and secret; `None` where the CRC or the form is wrong.
pub(super) fn parts(text: &str) -> Option<[&str; 4]> {
    let (body, found) = text.rsplit_once('_')?;
    if found != crc(body) {
        return None;
    }
    let (front, secret) = body.rsplit_once('_')?;
    let (front, id) = front.rsplit_once('_')?;
    let (prefix, what) = front.rsplit_once('_')?;
    (secret.len() == SECRET).then_some([prefix, what, id, secret])
}

fn crc(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CRC)
}

/// `bytes` as a big-endian number in `digits` digits of base 62.
pub(super) fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in &mut number {
            let value = (rest << 8) | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        *place = BASE62[usize::from(rest)];
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_is_positional() {
        assert_eq!(base62(&[0, 61], 3), "00z");
        assert_eq!(base62(&[0, 62], 3), "010");
        assert_eq!(base62(&[255; 32], SECRET).len(), SECRET);
    }
}
