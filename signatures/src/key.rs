//! Keys in the specification's text forms (`whsec_` HMAC secret, `whpk_` Ed25519 public key, `whsk_` Ed25519 secret
//! key), what they sign, and whether one of them made a signature.
//!
//! No key's bytes leave this file but by [`NewKey`], which makes one. Secrets are wiped when they are dropped.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::headers::{Headers, ID, MAX_SIGNATURES, SIGNATURE, TIMESTAMP, id_fault};

const HMAC_SECRET: &str = "whsec_";
const ED25519_PUBLIC: &str = "whpk_";
const ED25519_SECRET: &str = "whsk_";
const PREFIXES: [&str; 3] = [HMAC_SECRET, ED25519_PUBLIC, ED25519_SECRET];

/// Bytes of an HMAC secret, by the specification.
const LEAST_HMAC_BYTES: usize = 24;
const MOST_HMAC_BYTES: usize = 64;
/// Most characters of a key's text: 64 bytes in base64 and a prefix, generously.
pub(crate) const MAX_KEY_TEXT: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One secret for both sides.
    Hmac,
    /// The producer alone can sign.
    Ed25519,
}

impl Kind {
    /// The word before the comma in `webhook-signature`.
    pub fn version(self) -> &'static str {
        match self {
            Kind::Hmac => "v1",
            Kind::Ed25519 => "v1a",
        }
    }
}

/// Why a text is not the key it should be. Never says what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is no key: a key begins with whsec_, whpk_ or whsk_, and has nothing but its base64 after that")]
    NoKey,
    #[error("what follows {0} is not standard base64 with padding")]
    NotBase64(&'static str),
    #[error("an HMAC secret has {LEAST_HMAC_BYTES} to {MOST_HMAC_BYTES} bytes; this one has {0}")]
    SecretLength(usize),
    #[error("an Ed25519 public key has 32 bytes; this one has {0}")]
    PublicLength(usize),
    #[error("an Ed25519 secret key has 32 bytes, or 64 with its public key; this one has {0}")]
    PrivateLength(usize),
    #[error("it is no Ed25519 key: its bytes are no point of the curve that may be one, or its two halves do not belong together")]
    NoPoint,
    #[error("it is a secret key, with which anybody could sign; to verify give the public one that belongs to it (whpk_…)")]
    PrivateForVerifying,
    #[error("it is a public key (whpk_…), which cannot sign; give the secret one that belongs to it (whsk_…)")]
    PublicForSigning,
}

/// A key that can tell whether a signature is right.
#[derive(Clone)]
pub struct VerifyingKey(Verifying);

#[derive(Clone)]
enum Verifying {
    /// With the key taken in: a record costs its own bytes and two blocks.
    Hmac(Hmac<Sha256>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

impl VerifyingKey {
    /// From `whsec_…` or `whpk_…`.
    pub fn parse(text: &str) -> Result<VerifyingKey, KeyError> {
        match Text::of(text)? {
            Text::Hmac(secret) => Ok(VerifyingKey(Verifying::Hmac(keyed(&secret)?))),
            Text::Ed25519Public(bytes) => {
                let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::PublicLength(bytes.len()))?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NoPoint)?;
                // One of the eight points for which anybody can make signatures.
                if key.is_weak() {
                    return Err(KeyError::NoPoint);
                }
                Ok(VerifyingKey(Verifying::Ed25519(Box::new(key))))
            }
            Text::Ed25519Secret(_) => Err(KeyError::PrivateForVerifying),
        }
    }

    pub fn kind(&self) -> Kind {
        match &self.0 {
            Verifying::Hmac(_) => Kind::Hmac,
            Verifying::Ed25519(_) => Kind::Ed25519,
        }
    }

    /// Whether one of the record's signatures is this key's. Looks at every one, in time that does not depend on which
    /// it is or how far a wrong one was right. `signed`: [`signed_bytes`], needed for Ed25519.
    pub(crate) fn made_one_of(&self, headers: &Headers<'_>, payload: &[u8], signed: &[u8]) -> Choice {
        let mut made = Choice::from(0);
        match &self.0 {
            Verifying::Hmac(keyed) => {
                if !headers.v1.is_empty() {
                    let right = tag(keyed, headers.id, headers.timestamp, payload);
                    for signature in &headers.v1 {
                        made |= right.ct_eq(signature);
                    }
                }
            }
            Verifying::Ed25519(key) => {
                for signature in &headers.v1a {
                    made |= Choice::from(u8::from(key.verify_strict(signed, &Signature::from_bytes(signature)).is_ok()));
                }
            }
        }
        made
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.kind())
    }
}

/// A key that signs.
pub struct SigningKey(Signing);

enum Signing {
    Hmac(Hmac<Sha256>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// From `whsec_…` or `whsk_…` (the key alone, or followed by its public half).
    pub fn parse(text: &str) -> Result<SigningKey, KeyError> {
        match Text::of(text)? {
            Text::Hmac(secret) => Ok(SigningKey(Signing::Hmac(keyed(&secret)?))),
            Text::Ed25519Secret(bytes) => {
                let key = if let Ok(both) = <&[u8; 64]>::try_from(bytes.as_slice()) {
                    ed25519_dalek::SigningKey::from_keypair_bytes(both).map_err(|_| KeyError::NoPoint)?
                } else {
                    let alone = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::PrivateLength(bytes.len()))?;
                    ed25519_dalek::SigningKey::from_bytes(alone)
                };
                Ok(SigningKey(Signing::Ed25519(Box::new(key))))
            }
            Text::Ed25519Public(_) => Err(KeyError::PublicForSigning),
        }
    }

    pub fn kind(&self) -> Kind {
        match &self.0 {
            Signing::Hmac(_) => Kind::Hmac,
            Signing::Ed25519(_) => Kind::Ed25519,
        }
    }

    /// `whpk_…` of an Ed25519 key; nothing of an HMAC secret is public.
    pub fn public(&self) -> Option<String> {
        match &self.0 {
            Signing::Hmac(_) => None,
            Signing::Ed25519(key) => Some(written(ED25519_PUBLIC, key.verifying_key().as_bytes())),
        }
    }

    /// One entry of `webhook-signature`.
    fn sign(&self, id: &str, timestamp: &str, payload: &[u8]) -> String {
        let text = match &self.0 {
            Signing::Hmac(keyed) => STANDARD.encode(tag(keyed, id, timestamp, payload)),
            Signing::Ed25519(key) => STANDARD.encode(key.sign(&signed_bytes(id, timestamp, payload)).to_bytes()),
        };
        format!("{},{text}", self.kind().version())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.kind())
    }
}

/// The three headers of a record that has just been signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
}

impl Signed {
    pub fn headers(&self) -> [(&'static str, &str); 3] {
        [(ID, &self.id), (TIMESTAMP, &self.timestamp), (SIGNATURE, &self.signature)]
    }
}

/// Signs `payload` with every key, so that a reader that knows one of them takes it. `seconds`: now, since the epoch.
/// `Err` says what is wrong with the id, the time or the number of keys.
pub fn sign(keys: &[SigningKey], id: &str, seconds: i64, payload: &[u8]) -> Result<Signed, String> {
    if let Some(fault) = id_fault(id) {
        return Err(format!("the id {fault}"));
    }
    if seconds <= 0 {
        return Err(format!("the time must be after 1970, in seconds, not {seconds}"));
    }
    if keys.is_empty() || keys.len() > MAX_SIGNATURES {
        return Err(format!("1 to {MAX_SIGNATURES} keys may sign a record, not {}", keys.len()));
    }
    let timestamp = seconds.to_string();
    let signatures: Vec<String> = keys.iter().map(|key| key.sign(id, &timestamp, payload)).collect();
    Ok(Signed { id: id.to_owned(), timestamp, signature: signatures.join(" ") })
}

/// A new key as text.
pub struct NewKey {
    /// `whsec_…` or `whsk_…`: for nobody but who signs (HMAC: and who verifies).
    pub secret: Zeroizing<String>,
    /// `whpk_…`: what verifies, of an Ed25519 key.
    pub public: Option<String>,
}

impl NewKey {
    /// `random`: 32 bytes that nobody can guess.
    pub fn of(kind: Kind, random: &[u8; 32]) -> NewKey {
        match kind {
            Kind::Hmac => NewKey { secret: Zeroizing::new(written(HMAC_SECRET, random)), public: None },
            Kind::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(random);
                let both = Zeroizing::new(key.to_keypair_bytes());
                let public = written(ED25519_PUBLIC, key.verifying_key().as_bytes());
                NewKey { secret: Zeroizing::new(written(ED25519_SECRET, both.as_slice())), public: Some(public) }
            }
        }
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("public", &self.public).finish_non_exhaustive()
    }
}

fn written(prefix: &str, bytes: &[u8]) -> String {
    // The right size at once: a string that grows leaves its old bytes behind.
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    STANDARD.encode_string(bytes, &mut text);
    text
}

/// A key's bytes, by its prefix.
enum Text {
    Hmac(Zeroizing<Vec<u8>>),
    Ed25519Public(Vec<u8>),
    Ed25519Secret(Zeroizing<Vec<u8>>),
}

impl Text {
    fn of(text: &str) -> Result<Text, KeyError> {
        if text.len() > MAX_KEY_TEXT {
            return Err(KeyError::NoKey);
        }
        let bytes = |prefix: &'static str, base64: &str| {
            let mut bytes = vec![0; base64.len()];
            if let Ok(length) = STANDARD.decode_slice(base64, &mut bytes) {
                bytes.truncate(length);
                Ok(bytes)
            } else {
                bytes.zeroize();
                Err(KeyError::NotBase64(prefix))
            }
        };
        if let Some(rest) = text.strip_prefix(HMAC_SECRET) {
            Ok(Text::Hmac(Zeroizing::new(bytes(HMAC_SECRET, rest)?)))
        } else if let Some(rest) = text.strip_prefix(ED25519_PUBLIC) {
            Ok(Text::Ed25519Public(bytes(ED25519_PUBLIC, rest)?))
        } else if let Some(rest) = text.strip_prefix(ED25519_SECRET) {
            Ok(Text::Ed25519Secret(Zeroizing::new(bytes(ED25519_SECRET, rest)?)))
        } else {
            Err(KeyError::NoKey)
        }
    }
}

/// Whether `text` is a key, or holds one: somebody put it where its place belongs. A file may be called `whsec_orders`.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix)) || holds_a_key(text)
}

fn holds_a_key(text: &str) -> bool {
    let long_enough = |rest: &str| base64_length(rest) >= LEAST_HMAC_BYTES.div_ceil(3) * 4;
    PREFIXES.iter().any(|prefix| text.split(prefix).skip(1).any(long_enough))
}

/// `text` without the keys that it may hold, for messages that repeat what somebody wrote.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !holds_a_key(text) {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(end) = PREFIXES.iter().filter_map(|prefix| Some(rest.find(prefix)? + prefix.len())).min() {
        shown.push_str(&rest[..end]);
        shown.push('…');
        rest = &rest[end..];
        rest = &rest[base64_length(rest)..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn base64_length(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')).count()
}

fn keyed(secret: &[u8]) -> Result<Hmac<Sha256>, KeyError> {
    if !(LEAST_HMAC_BYTES..=MOST_HMAC_BYTES).contains(&secret.len()) {
        return Err(KeyError::SecretLength(secret.len()));
    }
    Hmac::new_from_slice(secret).map_err(|_| KeyError::SecretLength(secret.len()))
}

/// HMAC-SHA256 of `id.timestamp.payload`, without putting the three together.
fn tag(keyed: &Hmac<Sha256>, id: &str, timestamp: &str, payload: &[u8]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", payload] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// `id.timestamp.payload`.
pub(crate) fn signed_bytes(id: &str, timestamp: &str, payload: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", payload].concat()
}
