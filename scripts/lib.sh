# shellcheck shell=bash
# What the other scripts share: messages, the cache folder, finding a JVM. Sourced, never run.

# The folder for everything downloaded or built; CARGO_TARGET_DIR lies in it too.
# shellcheck disable=SC2034
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/waybill

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# find_java MAJOR: prints the path of the first java of at least that version; fails if there is none.
# Homebrew and Debian keep JVMs that are not on the PATH, so their folders are looked through as well.
find_java() {
  local java major
  for java in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" \
    /usr/lib/jvm/*/bin/java /opt/homebrew/opt/openjdk*/bin/java /usr/local/opt/openjdk*/bin/java; do
    if [ -z "$java" ] || [ ! -x "$java" ]; then continue; fi
    # macOS has a /usr/bin/java that only says that there is no Java: ask it, do not trust that it exists.
    major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1) || continue
    if [ "${major:-0}" -ge "$1" ]; then
      printf '%s\n' "$java"
      return 0
    fi
  done
  return 1
}
