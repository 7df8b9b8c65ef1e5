//! Field encryption (AES-256-GCM-SIV) and blind indexes (HMAC-SHA-256) of personal data at rest.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The key of a data folder.
pub const KEY_FILE: &str = "field.key";
/// Length of the nonce in front of each ciphertext, bytes.
const NONCE: usize = 12;
/// First byte of each ciphertext: which key wrote it.
const KEY_VERSION: u8 = 1;

/// Why a field could not be read or a key not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or made.
    #[error("key file {path}: {source}")]
    KeyFile {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file does not hold 64 bytes of hexadecimal.
    #[error("key file {path} is not a Taizhang key: 128 hexadecimal digits expected")]
    KeyFormat {
        /// The file.
        path: String,
    },
    /// The ciphertext was altered, moved to another row, or written with another key.
    #[error("the encrypted field does not open with this key")]
    Open,
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// Encrypts, decrypts and indexes fields. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Keys>,
}

struct Keys {
    cipher: Aes256GcmSiv,
    index: Hmac<Sha256>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// A vault with the given keys: 32 bytes for encryption, 32 for indexes.
    pub fn from_keys(encryption: &[u8; 32], index: &[u8; 32]) -> Self {
        let cipher = Aes256GcmSiv::new(&(*encryption).into());
        // HMAC pads a short key with zeros to the block of its hash: the same key, without a length that could fail.
        let mut block = [0u8; 64];
        block[..32].copy_from_slice(index);
        let index = <Hmac<Sha256> as hmac::KeyInit>::new(&block.into());
        Self { inner: Arc::new(Keys { cipher, index }) }
    }

    /// The vault of a data folder: reads `field.key`, or makes it (readable by its owner only) where there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(KEY_FILE);
        let fail = |source| VaultError::KeyFile { path: path.display().to_string(), source };
        if !path.exists() {
            let mut key = [0u8; 64];
            random(&mut key)?;
            super::files::make_folder(folder).map_err(fail)?;
            write_private(&path, &super::ids::hex(&key)).map_err(fail)?;
        }
        Self::read(folder)?.ok_or_else(|| fail(std::io::ErrorKind::NotFound.into()))
    }

    /// The vault of a data folder that has its key; none where there is no key.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(folder: &Path) -> Result<Option<Self>, VaultError> {
        let path = folder.join(KEY_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(VaultError::KeyFile { path: path.display().to_string(), source }),
        };
        let (encryption, index) =
            parse_key(text.trim()).ok_or_else(|| VaultError::KeyFormat { path: path.display().to_string() })?;
        Ok(Some(Self::from_keys(&encryption, &index)))
    }

    /// Encrypts `plain` for one place: `place` is `table.column`, and the same place must be named to open it.
    ///
    /// # Errors
    /// [`VaultError::Random`] if the system gives no random numbers.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = nonce()?;
        let sealed = self
            .inner
            .cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: place.as_bytes() })
            .map_err(|_| VaultError::Open)?;
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(KEY_VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// [`VaultError::Open`] if it was altered, moved, or sealed with another key.
    pub fn open_sealed(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let rest = sealed.strip_prefix(&[KEY_VERSION]).ok_or(VaultError::Open)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(VaultError::Open)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| VaultError::Open)?;
        self.inner
            .cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: body, aad: place.as_bytes() })
            .map_err(|_| VaultError::Open)
    }

    /// [`Vault::open_sealed`] for text.
    ///
    /// # Errors
    /// As there, or the plaintext is not UTF-8.
    pub fn open_text(&self, place: &str, sealed: &[u8]) -> Result<String, VaultError> {
        String::from_utf8(self.open_sealed(place, sealed)?).map_err(|_| VaultError::Open)
    }

    /// Blind index of a normalised value: equal values give equal numbers, and nothing is learnt without the key.
    /// `kind` keeps values of different meaning apart (`citizen_id`, `phone`).
    pub fn index(&self, kind: &str, normalised: &str) -> i64 {
        let mut mac = self.inner.index.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(normalised.as_bytes());
        let tag = mac.finalize().into_bytes();
        let mut first = [0u8; 8];
        first.copy_from_slice(&tag[..8]);
        i64::from_be_bytes(first)
    }
}

/// Twelve random bytes. The system is asked for many at once: an import seals millions of fields.
fn nonce() -> Result<[u8; NONCE], VaultError> {
    const AT_ONCE: usize = 128;
    thread_local! {
        static READY: RefCell<Vec<[u8; NONCE]>> = const { RefCell::new(Vec::new()) };
    }
    READY.with_borrow_mut(|ready| {
        if ready.is_empty() {
            let mut bytes = [0u8; NONCE * AT_ONCE];
            random(&mut bytes)?;
            let (nonces, _) = bytes.as_chunks::<NONCE>();
            ready.extend_from_slice(nonces);
        }
        ready.pop().ok_or_else(|| VaultError::Random("none".to_owned()))
    })
}

/// Fills `out` from the system's random source.
///
/// # Errors
/// [`VaultError::Random`].
pub fn random(out: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(out).map_err(|e| VaultError::Random(e.to_string()))
}

/// `n` random bytes as URL-safe text: tokens and first passwords.
///
/// # Errors
/// [`VaultError::Random`].
pub fn random_token(n: usize) -> Result<String, VaultError> {
    use base64::Engine;
    let mut bytes = vec![0u8; n];
    random(&mut bytes)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

fn parse_key(text: &str) -> Option<([u8; 32], [u8; 32])> {
    if text.len() != 128 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0u8; 64];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()?;
    }
    let (a, b) = bytes.split_at(32);
    Some((a.try_into().ok()?, b.try_into().ok()?))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place() {
        let vault = Vault::from_keys(&[1; 32], &[2; 32]);
        let sealed = vault.seal("person.id", "340323196503121012".as_bytes()).unwrap();
        assert_eq!(vault.open_text("person.id", &sealed).unwrap(), "340323196503121012");
        assert!(vault.open_sealed("person.phone", &sealed).is_err());
        let mut altered = sealed.clone();
        altered[20] ^= 1;
        assert!(vault.open_sealed("person.id", &altered).is_err());
        assert!(Vault::from_keys(&[3; 32], &[2; 32]).open_sealed("person.id", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(vault.open_sealed("person.id", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn an_index_tells_equal_from_unequal_and_kinds_apart() {
        let vault = Vault::from_keys(&[1; 32], &[2; 32]);
        assert_eq!(vault.index("phone", "13800000000"), vault.index("phone", "13800000000"));
        assert_ne!(vault.index("phone", "13800000000"), vault.index("citizen_id", "13800000000"));
        assert_ne!(vault.index("phone", "13800000000"), vault.index("phone", "13800000001"));
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = Vault::open(dir.path()).unwrap().seal("t.c", b"x").unwrap();
        assert_eq!(Vault::open(dir.path()).unwrap().open_sealed("t.c", &sealed).unwrap(), b"x");
        std::fs::write(dir.path().join("field.key"), "short").unwrap();
        assert!(matches!(Vault::open(dir.path()), Err(VaultError::KeyFormat { .. })));
    }
}
