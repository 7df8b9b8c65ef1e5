//! Identifiers of the things we make.

use uuid::Uuid;

/// A new UUIDv7: ordered by the time of its making, so that indexes grow at their end.
/// It is a name, not a secret.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A 64-bit fingerprint of `bytes`, stable over versions and machines (the first 8 bytes of SHA-256).
/// Used to see whether a row has changed, never for security.
pub fn fingerprint(bytes: &[u8]) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(bytes);
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

/// Lower-case hexadecimal text of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The bytes of hexadecimal text; none if it is something else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?)).collect()
}
