//! The patches of the mutation check still apply, and say what they break. `make mutants` runs the check itself, which
//! takes long: it builds the program once for every patch.

use std::path::Path;
use std::process::Command;

#[test]
fn every_patch_applies_and_says_what_it_breaks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let patches: Vec<_> = std::fs::read_dir(root.join("tests/mutants")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(patches.len() >= 15, "only {} patches", patches.len());
    for patch in patches {
        let name = patch.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&patch).unwrap();
        assert!(text.starts_with("Breaks: "), "{name} does not begin with what it breaks");
        let check = Command::new("git").args(["apply", "--check"]).arg(&patch).current_dir(root).output().unwrap();
        let why = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "{name} does not apply any more; make it anew against the code as it is:\n{why}");
    }
}
