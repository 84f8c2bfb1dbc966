//! There and back with the specification's official libraries, from the public registries: what Waybill signs they take,
//! what they sign Waybill takes. They have `v1` only; `v1a` goes there and back with Node's own Ed25519.
//!
//! The library is installed once, in its pinned version, into the cache folder. Skipped only where there is neither Node
//! nor Python.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use schemas::Timestamp;
use serde_json::{Value, json};
use waybill_signatures::{Checked, Guard, HeaderRef, Kind, NewKey, Policy, SigningKey, TopicKey, VerifyingKey, sign};

const NPM: &str = "standardwebhooks@1.1.1";
const PYPI: &str = "standardwebhooks==1.1.0";

const PAYLOADS: [&str; 4] = [
    r#"{"type":"place","order_id":"536365","lines":[{"sku":"85123A","quantity":6}]}"#,
    "{}",
    "{\"note\":\"Gr\u{fc}\u{df}e, \u{1f69a}\",\"spaces\" :  [ 1 ,2]\n}",
    "[]\n",
];

#[test]
fn there_and_back_with_the_official_libraries() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official");
    let mut tried = 0;
    if has("node") && has("npm") {
        let folder = installed("js", NPM, |folder| {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(folder).arg(NPM);
            npm
        });
        let mut cases = cases(Kind::Hmac, now);
        cases.extend(self::cases(Kind::Ed25519, now));
        compare(Command::new("node").arg(scripts.join("round_trip.mjs")).arg(folder), &cases);
        tried += 1;
    }
    if let Some(python) = ["python3", "python"].into_iter().find(|python| has(python)) {
        let folder = installed("py", PYPI, |folder| {
            let mut pip = Command::new(python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target"]).arg(folder).arg(PYPI);
            pip
        });
        compare(Command::new(python).arg("-B").arg(scripts.join("round_trip.py")).arg(folder), &cases(Kind::Hmac, now));
        tried += 1;
    }
    if tried == 0 {
        println!("skipped: neither Node nor Python is here");
    }
}

/// A case for the script, and what is needed to check its answer.
struct Case {
    asked: Value,
    guard: Guard,
    id: String,
    now: i64,
    payload: &'static str,
    is_right: bool,
}

fn cases(kind: Kind, now: i64) -> Vec<Case> {
    let mut all = vec![];
    for (n, payload) in PAYLOADS.into_iter().enumerate() {
        let new = NewKey::of(kind, &[n as u8 + 1; 32]);
        let other = NewKey::of(kind, &[99; 32]);
        let signing = |key: &NewKey| SigningKey::parse(&key.secret).unwrap();
        // With its own key alone, with another one's before it as in a rotation, and with another one's alone.
        for (keys, is_right) in [(vec![&new], true), (vec![&other, &new], true), (vec![&other], false)] {
            let id = format!("msg_{kind:?}{n}{}", keys.len());
            let keys: Vec<SigningKey> = keys.into_iter().map(signing).collect();
            let signed = sign(&keys, &id, now, payload.as_bytes()).unwrap();
            let asked = json!({
                "secret": *new.secret, "public": new.public, "id": id, "timestamp": signed.timestamp, "payload": payload,
                "signature": signed.signature,
            });
            let verifying = VerifyingKey::parse(new.public.as_deref().unwrap_or(&new.secret)).unwrap();
            let guard = Guard::new(Policy::Required, 300, vec![TopicKey::always(verifying)]).unwrap();
            all.push(Case { asked, guard, id, now, payload, is_right });
        }
    }
    all
}

fn compare(script: &mut Command, cases: &[Case]) {
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for case in cases {
        writeln!(stdin, "{}", case.asked).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script:?} failed");
    let answers: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(answers) {
        assert_eq!(answer["accepts"], case.is_right, "{}: {answer}", case.asked);
        let (timestamp, signature) = (case.now.to_string(), answer["signature"].as_str().unwrap());
        let headers: [HeaderRef<'_>; 3] = [
            ("webhook-id", Some(case.id.as_bytes())),
            ("webhook-timestamp", Some(timestamp.as_bytes())),
            ("webhook-signature", Some(signature.as_bytes())),
        ];
        let ours = case.guard.check(&headers, Some(case.payload.as_bytes()), Timestamp(case.now * 1000));
        assert!(matches!(ours, Ok(Checked::Signed { .. })), "{}: {answer}: {ours:?}", case.asked);
    }
    println!("{} cases there and back with {}", cases.len(), script.get_program().display());
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The folder of the library in that version; installed where it is not there yet.
fn installed(language: &str, package: &str, command: impl Fn(&Path) -> Command) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let all = cache.unwrap_or_else(std::env::temp_dir).join("waybill/standardwebhooks");
    let folder = all.join(format!("{language}-{package}"));
    if !folder.exists() {
        std::fs::create_dir_all(&all).unwrap();
        // Under another name until it is whole.
        let new = tempfile::tempdir_in(&all).unwrap();
        let status = command(new.path()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "cannot install {package} from its registry; is the network there?");
        // Another process may have been faster.
        if std::fs::rename(new.path(), &folder).is_ok() {
            let _ = new.keep();
        }
    }
    folder
}
