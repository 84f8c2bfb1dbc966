//! `waybill keys`: keys for signatures. A secret key goes into a file that its owner alone can read, and nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use signatures::{Kind, NewKey};
use zeroize::Zeroizing;

use super::Failure;
use super::args::{KeyKind, Keys};

/// For the owner alone, and for everybody to read.
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

pub fn keys(own: Keys) -> Result<(), Failure> {
    match own {
        Keys::New { kind, out } => new(kind, &out),
        Keys::Public { key } => {
            let public = super::sign::read_key(&key)?.public();
            println!("{}", public.ok_or_else(|| Failure::Failed("an HMAC secret has no public half: both sides need all of it".into()))?);
            Ok(())
        }
    }
}

fn new(kind: KeyKind, out: &Path) -> Result<(), Failure> {
    let random = Zeroizing::new(random::<32>()?);
    let key = match kind {
        KeyKind::Hmac => NewKey::of(Kind::Hmac, &random),
        KeyKind::Ed25519 => NewKey::of(Kind::Ed25519, &random),
    };
    write(out, SECRET_MODE, &key.secret)?;
    println!("secret key  {}", out.display());
    if let Some(public) = &key.public {
        let mut beside = out.as_os_str().to_owned();
        beside.push(".pub");
        let beside = PathBuf::from(beside);
        if let Err(failure) = write(&beside, PUBLIC_MODE, public) {
            // Half a pair is of no use, and its file would be in the way of the next try.
            let _ = std::fs::remove_file(out);
            return Err(failure);
        }
        println!("public key  {}  {public}", beside.display());
    }
    Ok(())
}

/// Writes a key to a file that was not there before.
fn write(path: &Path, mode: u32, key: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            Failure::Failed(format!("{} is there already and stays as it is: name another file with --out", path.display()))
        } else {
            Failure::Failed(format!("cannot create {}: {error}", path.display()))
        }
    })?;
    fill(file, key).map_err(|error| {
        let _ = std::fs::remove_file(path);
        Failure::Failed(format!("cannot write {}: {error}", path.display()))
    })
}

fn fill(mut file: File, key: &str) -> io::Result<()> {
    file.write_all(key.as_bytes())?;
    file.write_all(b"\n")?;
    // It is the only copy.
    file.sync_all()
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Failed(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}
