#!/usr/bin/env bash
# Fuzzes every decoder for a while, from its seeds and from what earlier runs have found.
#
#   fuzz.sh SECONDS [TARGET...]     all targets of fuzz/ unless some are named
#
# Needs cargo-fuzz, and nightly Rust for the sanitizer; without nightly, the stable compiler is told to do as if.
# An input that breaks a promise is kept in fuzz/artifacts, and the end is exit 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

[ $# -gt 0 ] || { sed -n '2,/^set /p' "$0" | sed -e '/^set /d' -e 's/^# \{0,1\}//'; exit 2; }
seconds=$1
shift
case $seconds in '' | *[!0-9]*) die "SECONDS is a whole number, not $seconds" ;; esac
cd "$here/.."
have cargo-fuzz || die "cargo-fuzz is missing. Install it with
    cargo install cargo-fuzz --locked"
have "${CXX:-c++}" || die "a C++ compiler is missing, which libFuzzer is built with; make setup installs it"
cargo=(cargo)
if rustup run nightly rustc --version >/dev/null 2>&1; then
  cargo+=(+nightly)
else
  say "no nightly Rust here (rustup toolchain install nightly --profile minimal): trying with the stable compiler"
  export RUSTC_BOOTSTRAP=1
fi
# Apart from the program's own build: its flags are other ones.
target_dir=${CARGO_TARGET_DIR:-$cache_dir/target}-fuzz
targets=("$@")
if [ $# -eq 0 ]; then
  while IFS= read -r target; do targets+=("$target"); done < <("${cargo[@]}" fuzz list)
fi
broken=()
for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target"
  inputs=("fuzz/corpus/$target")
  if [ -d "fuzz/seeds/$target" ]; then inputs+=("fuzz/seeds/$target"); fi
  say "--- $target"
  "${cargo[@]}" fuzz run --target-dir "$target_dir" "$target" "${inputs[@]}" -- -max_total_time="$seconds" || broken+=("$target")
done
[ ${#broken[@]} -eq 0 ] || die "these did not hold: ${broken[*]}; the inputs are in fuzz/artifacts"
