#!/usr/bin/env bash
# Mutation check: every patch of tests/mutants breaks one thing; the tests must notice.
#
# usage: scripts/mutants.sh [NAME...]      all patches unless some are named
#
# Works on a copy of the tree, never on the tree itself. Each patch is a build, so this takes a
# minute or more for each. Writes docs/mutants.md when all patches were run.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
seeds=${WAYBILL_SIM_SEEDS:-100}
export WAYBILL_SIM_SEEDS=$seeds RUST_BACKTRACE=0
# A folder of their own: these builds must not disturb others. They are built often and run for seconds.
export CARGO_TARGET_DIR=${MUTANTS_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/waybill/mutants}
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0

# The same folder in every run: Cargo takes programs built from a copy elsewhere for current, and they look for their
# files where that copy was.
copy=$CARGO_TARGET_DIR/copy
trap 'rm -rf "$copy"' EXIT
tree=$copy/tree
rm -rf "$copy"
mkdir -p "$tree"
# Everything that git knows of, changed or not.
(
  cd "$root"
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi
  done | tar --null -T - -cf -
) | tar -xmf - -C "$tree" # -m: as new, or Cargo would take what the last patch was built into for current

# Names of the suites that fail; nothing if none does. What they print goes to the given file.
failing() {
  local log=$1 names=""
  # How long something takes says nothing here.
  cargo test -q --release -p waybill-processors -- --skip a_ping_is_cheap >>"$log" 2>&1 || names+=", rules"
  cargo test -q --release --no-default-features --test engine --test catalogue --test fleet >>"$log" 2>&1 || names+=", engine"
  cargo test -q --release --no-default-features --test signed >>"$log" 2>&1 || names+=", signed"
  cargo test -q --release --no-default-features --test simulation every_seed >>"$log" 2>&1 || names+=", simulation"
  echo "${names#, }"
}

cd "$tree"
caught=$(failing "$copy/log")
if [ -n "$caught" ]; then
  echo "without any patch these fail: $caught" >&2
  tail -n 40 "$copy/log" >&2
  exit 1
fi

patches=()
if [ $# -gt 0 ]; then
  for name in "$@"; do patches+=("$root/tests/mutants/${name%.patch}.patch"); done
else
  patches=("$root"/tests/mutants/*.patch)
fi

survivors=0
table=$copy/table
for patch in "${patches[@]}"; do
  name=$(basename "$patch" .patch)
  breaks=$(sed -n '1s/^Breaks: //p' "$patch")
  git apply "$patch"
  if ! cargo test -q --release --no-default-features --no-run --test engine --test catalogue --test fleet --test signed --test simulation >"$copy/log" 2>&1; then
    caught="does not build"
    survivors=$((survivors + 1))
  else
    caught=$(failing "$copy/log")
    if [ -z "$caught" ]; then
      caught="**nothing**"
      survivors=$((survivors + 1))
    fi
  fi
  git apply -R "$patch"
  printf '%-34s %s\n' "$name" "$caught"
  printf '| %s | %s | %s |\n' "$name" "$breaks" "$caught" >>"$table"
done

if [ $# -eq 0 ]; then
  {
    echo "# Mutation check"
    echo
    echo "What each patch of \`tests/mutants\` breaks, and which suites notice: the rules' tests and scenarios"
    echo "(\`rules\`), the engine's (\`engine\`), that of signed records (\`signed\`), $seeds seeds of the simulation (\`simulation\`)."
    echo "Written by \`make mutants\` on $(date -u +%Y-%m-%d); ${#patches[@]} patches, $survivors unnoticed."
    echo
    echo "| patch | breaks | noticed by |"
    echo "| --- | --- | --- |"
    cat "$table"
  } >"$root/docs/mutants.md"
fi
if [ "$survivors" -gt 0 ]; then
  echo "$survivors of ${#patches[@]} patches go unnoticed" >&2
  exit 1
fi
