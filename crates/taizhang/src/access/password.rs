//! Passwords: Argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet), off the async threads
//! and only a few at a time, so that a flood of sign-ins costs memory for a few only.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::AccessError;
use crate::platform::vault;

/// The fewest characters of a password.
pub const MIN_CHARS: usize = 10;
/// The most bytes: beyond this nothing is gained and hashing is work.
const MAX_BYTES: usize = 256;
/// Memory of one hashing, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Hashings at the same time.
static PERMITS: Semaphore = Semaphore::const_new(4);

/// Hash that no password fits, verified for unknown users so that they cost the same.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    vault::random_token(32).map_err(AccessError::from).and_then(|token| hash_now(&token)).unwrap_or_default()
});

/// Parts of passwords that are guessed first.
const COMMON: &[&str] = &[
    "password", "12345678", "87654321", "qwerty", "abc123", "111111", "000000", "888888", "666666", "taizhang",
    "admin123",
];

/// Checks a new password.
///
/// # Errors
/// [`AccessError::WeakPassword`]: shorter than [`MIN_CHARS`], holding the login, or made of what is guessed first.
pub fn check_new(login: &str, password: &str) -> Result<(), AccessError> {
    let lower = password.to_lowercase();
    let distinct: std::collections::HashSet<char> = password.chars().collect();
    let weak = password.chars().count() < MIN_CHARS
        || password.len() > MAX_BYTES
        || distinct.len() < 5
        || lower.contains(login)
        || COMMON.iter().any(|common| lower.contains(common));
    if weak { Err(AccessError::WeakPassword) } else { Ok(()) }
}

/// A first password to hand over: four groups that are easy to read out, 80 bits.
///
/// # Errors
/// The system gives no random numbers.
pub fn generate() -> Result<String, AccessError> {
    // Without the letters and digits that look alike.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 16];
    vault::random(&mut bytes)?;
    let mut out = String::with_capacity(19);
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.push(char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    }
    Ok(out)
}

/// The PHC string of a password.
///
/// # Errors
/// Hashing fails.
pub async fn hash(password: String) -> Result<String, AccessError> {
    in_background(move || hash_now(&password)).await
}

/// Whether a password fits a hash; without a hash it does the same work and says no.
///
/// # Errors
/// Hashing fails.
pub(super) async fn fits(password: String, hash: Option<String>) -> Result<bool, AccessError> {
    in_background(move || {
        let known = hash.is_some();
        let text = hash.as_deref().unwrap_or(&NOBODY);
        let parsed = PasswordHash::new(text).map_err(|e| AccessError::Hashing(e.to_string()))?;
        // A longer password than can be set fits nothing, and is not worth the time.
        let password = if password.len() > MAX_BYTES { "" } else { &password };
        let fits = hasher()?.verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(fits && known)
    })
    .await
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
) -> Result<T, AccessError> {
    let _permit = PERMITS.acquire().await.map_err(|e| AccessError::Hashing(e.to_string()))?;
    tokio::task::spawn_blocking(work).await.map_err(|e| AccessError::Hashing(e.to_string()))?
}

fn hash_now(password: &str) -> Result<String, AccessError> {
    hasher()?
        .hash_password(password.as_bytes())
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|e| AccessError::Hashing(e.to_string()))
}

fn hasher() -> Result<Argon2<'static>, AccessError> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).map_err(|e| AccessError::Hashing(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_and_generated_ones_are_not() {
        for weak in ["short1!", "aaaaaaaaaaaaaa", "Password2026!", "wangfang-2026", "123456789012"] {
            assert!(check_new("wangfang", weak).is_err(), "{weak}");
        }
        check_new("wangfang", "春风又绿江南岸明月何时照").unwrap();
        let one = generate().unwrap();
        assert_eq!(one.len(), 19);
        check_new("wangfang", &one).unwrap();
        assert_ne!(one, generate().unwrap());
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hash = hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(fits("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!fits("correct hors".to_owned(), Some(hash)).await.unwrap());
        assert!(!fits("correct horse".to_owned(), None).await.unwrap());
    }
}
