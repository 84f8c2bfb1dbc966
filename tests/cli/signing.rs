//! `waybill sign` and `waybill keys`, as a producer's script calls them; what they print is checked by the crate that the
//! engine checks records with.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use schemas::Timestamp;
use serde_json::Value;
use signatures::{Checked, Guard, HeaderRef, Policy, TopicKey, VerifyingKey};

use super::{Ended, run, waybill};

const ORDER: &str = "{\"type\":\"cancel\",\"order_id\":\"1\"}\n";

/// A folder with a key of each kind and a value.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (kind, name) in [("hmac", "hmac.key"), ("ed25519", "pair.key")] {
        let made = run(waybill(&["keys", "new", "--kind", kind, "--out", name]).current_dir(&folder));
        made.says(&[&format!("secret key  {name}\n")]);
        let secret = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!made.all().contains(secret.trim()), "a secret key was printed");
    }
    fs::write(folder.path().join("order.json"), ORDER).unwrap();
    folder
}

fn sign(folder: &Path, arguments: &[&str]) -> Ended {
    run(waybill(&["sign"]).args(arguments).current_dir(folder))
}

/// The headers are right for these keys, whose files hold one each.
fn check(folder: &Path, headers: &[(String, String)], keys: &[&str], at: i64) {
    for key in keys {
        let key = VerifyingKey::parse(fs::read_to_string(folder.join(key)).unwrap().trim()).unwrap();
        let guard = Guard::new(Policy::Required, 300, vec![TopicKey::always(key)]).unwrap();
        let headers: Vec<HeaderRef<'_>> = headers.iter().map(|(name, value)| (&**name, Some(value.as_bytes()))).collect();
        let checked = guard.check(&headers, Some(ORDER.as_bytes()), Timestamp(at)).unwrap();
        assert!(matches!(checked, Checked::Signed { .. }));
    }
}

fn lines(text: &str) -> Vec<(String, String)> {
    text.lines().map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

#[test]
fn keys_are_their_owners_alone_and_never_overwritten() {
    let folder = folder();
    for (name, mode, prefix) in [("hmac.key", 0o600, "whsec_"), ("pair.key", 0o600, "whsk_"), ("pair.key.pub", 0o644, "whpk_")] {
        let path = folder.path().join(name);
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        // A strict umask may take more away.
        assert_eq!(found & !mode, 0, "{name} has mode {found:o}");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(prefix) && text.ends_with('\n') && text.lines().count() == 1);
    }
    assert!(!folder.path().join("hmac.key.pub").exists());
    let before = fs::read_to_string(folder.path().join("pair.key")).unwrap();
    let new = |out: &str| run(waybill(&["keys", "new", "--kind", "ed25519", "--out", out]).current_dir(&folder));
    new("pair.key").fails(1, &["pair.key is there already and stays as it is"]);
    assert_eq!(fs::read_to_string(folder.path().join("pair.key")).unwrap(), before);
    fs::remove_file(folder.path().join("pair.key")).unwrap();
    new("pair.key").fails(1, &["pair.key.pub is there already"]);
    assert!(!folder.path().join("pair.key").exists(), "half a pair was left");
    new("nowhere/key").fails(1, &["cannot create nowhere/key"]);
    let twice = [new("a"), new("b")].map(|made| made.stdout.split_whitespace().last().unwrap().to_owned());
    assert!(twice[0].starts_with("whpk_") && twice[0] != twice[1], "two keys are two: {twice:?}");
}

#[test]
fn the_public_half_comes_from_the_secret_one() {
    let folder = folder();
    let public = |key: &str| run(waybill(&["keys", "public", "--key", key]).current_dir(&folder));
    public("file:pair.key").says(&[&fs::read_to_string(folder.path().join("pair.key.pub")).unwrap()]);
    public("file:hmac.key").fails(1, &["an HMAC secret has no public half"]);
    public("file:pair.key.pub").fails(1, &["it is a public key"]);
}

#[test]
fn signs_a_file_or_standard_input_with_one_key_or_several() {
    let folder = folder();
    let signed = sign(folder.path(), &["--key", "file:hmac.key", "order.json"]);
    signed.says(&["webhook-id: msg_", "\nwebhook-timestamp: ", "\nwebhook-signature: v1,"]);
    check(folder.path(), &lines(&signed.stdout), &["hmac.key"], now());
    let again = sign(folder.path(), &["--key", "file:hmac.key", "order.json"]);
    assert_ne!(lines(&signed.stdout)[0], lines(&again.stdout)[0], "every record has an id of its own");

    let arguments = ["--key", "file:pair.key", "--key", "file:hmac.key", "--id", "msg_7", "--at", "2027-01-15T08:00:00.900Z", "order.json"];
    let both = sign(folder.path(), &arguments);
    both.says(&["webhook-id: msg_7\nwebhook-timestamp: 1800000000\nwebhook-signature: v1a,", " v1,"]);
    check(folder.path(), &lines(&both.stdout), &["hmac.key", "pair.key.pub"], 1_800_000_000_900);

    let mut piped = waybill(&["sign", "--key", "env:SIGNING_KEY"]);
    piped.env("SIGNING_KEY", fs::read_to_string(folder.path().join("pair.key")).unwrap());
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(ORDER.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    check(folder.path(), &lines(&String::from_utf8(output.stdout).unwrap()), &["pair.key.pub"], now());
}

#[test]
fn headers_for_other_programs() {
    let folder = folder();
    let keys = ["--key", "file:pair.key", "--key", "file:hmac.key"];
    let json = sign(folder.path(), &[&keys[..], &["--output", "json", "order.json"]].concat());
    let object: Value = serde_json::from_str(&json.stdout).unwrap();
    let headers: Vec<_> = object.as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
    check(folder.path(), &headers, &["hmac.key", "pair.key.pub"], now());

    // As a shell passes them on by xargs.
    let kcat = sign(folder.path(), &[&keys[..], &["--output", "kcat", "order.json"]].concat());
    let mut xargs = Command::new("xargs").args(["printf", "%s\\n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    xargs.stdin.take().unwrap().write_all(kcat.stdout.as_bytes()).unwrap();
    let passed = String::from_utf8(xargs.wait_with_output().unwrap().stdout).unwrap();
    let passed: Vec<&str> = passed.lines().collect();
    assert_eq!(passed.len(), 6, "{passed:?}");
    let headers: Vec<_> = passed
        .chunks(2)
        .map(|pair| {
            assert_eq!(pair[0], "-H");
            let (name, value) = pair[1].split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    check(folder.path(), &headers, &["hmac.key", "pair.key.pub"], now());
}

#[test]
fn what_cannot_be_signed_is_said_without_the_key() {
    let folder = folder();
    let secret = fs::read_to_string(folder.path().join("hmac.key")).unwrap().trim().to_owned();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    fs::write(folder.path().join("broken.key"), &secret[..secret.len() - 1]).unwrap();
    let cases: [(&[&str], i32, &str); 12] = [
        (&["order.json"], 2, "--key"),
        (&["--key", &secret, "order.json"], 2, "looks like a key itself"),
        (&["--key", &secret[6..], "order.json"], 2, "must be \"file:"),
        (&["--key", "file:none", "order.json"], 1, "the key file:none: cannot read it"),
        (&["--key", "env:NO_SUCH_KEY", "order.json"], 1, "the key env:NO_SUCH_KEY: the variable is not set"),
        (&["--key", "file:broken.key", "order.json"], 1, "not standard base64"),
        (&["--key", "file:pair.key.pub", "order.json"], 1, "it is a public key"),
        (&["--key", "file:hmac.key", "none.json"], 1, "cannot read the value from none.json"),
        (&["--key", "file:hmac.key", "empty"], 1, "nothing to sign"),
        (&["--key", "file:hmac.key", "large"], 1, "more than 1048576 bytes"),
        (&["--key", "file:hmac.key", "--id", "a.b", "order.json"], 2, "full stops"),
        (&["--key", "file:hmac.key", "--at", "noon", "order.json"], 2, "2026-12-01T08:26:00Z"),
    ];
    for (arguments, code, says) in cases {
        let ended = sign(folder.path(), arguments);
        ended.fails(code, &[says]);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(!ended.all().contains(&secret[6..26]), "{arguments:?}: the key was printed:\n{}", ended.all());
    }
}
