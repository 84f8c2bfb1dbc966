#!/usr/bin/env bash
# Installs what the system lacks, and does nothing, quickly, where nothing is missing.
#
#   setup.sh demo    the demo: Rust, a C compiler and linker
#   setup.sh full    the whole program as well: what RocksDB and librdkafka are compiled with
#   setup.sh test    the tests as well: a JVM and Maven for a real Kafka and Schema Registry, Prometheus, rustfmt and
#                    clippy
#
# It uses apt (Debian, Ubuntu) or Homebrew (macOS). Before it uses sudo it asks, except with CI=true or
# ASSUME_YES=1. Where it cannot install, it says what is missing and exits 1. It never installs Rust itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

level=${1:-}
case $level in
demo | full | test) ;;
*) sed -n '2,/^set /p' "$0" | sed -e '/^set /d' -e 's/^# \{0,1\}//'; exit 2 ;;
esac
system=$(uname -s)
export LC_ALL=C

# --- Rust: needed by every level, installed by its own installer only ---

check_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml" | head -n 1)
  if ! have cargo; then
    [ ! -x "$HOME/.cargo/bin/cargo" ] || die "cargo is not on the PATH: run  . \"\$HOME/.cargo/env\"  or log in again"
    die "Rust is missing. Install it with
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
  open a new terminal and run this again."
  fi
  found=$(cargo --version | sed 's/^cargo \([0-9]*\.[0-9]*\).*/\1/')
  if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -t . -k 1,1n -k 2,2n | head -n 1)" != "$wanted" ]; then
    die "Rust $wanted or newer is needed, this is $found. Run  rustup update stable  (where the system's package
  manager installed Rust, remove that and take it from https://rustup.rs)."
  fi
}

# --- One check for each thing; what is asked is whether it works, not which package it came in ---

compiles() { # compiles COMPILER LANGUAGE SOURCE: builds and links a program
  local out status=0
  if [ "$system" = Darwin ]; then xcode-select -p >/dev/null 2>&1 || return 1; fi
  out=$(mktemp)
  printf '%s\n' "$3" | "$1" -x "$2" - -o "$out" >/dev/null 2>&1 || status=1
  rm -f "$out"
  return $status
}
has_cc() { compiles "${CC:-cc}" c 'int main(void) { return 0; }'; }
has_cxx() {
  compiles "${CXX:-c++}" c++ '#include <string>
int main() { return static_cast<int>(std::string().size()); }'
}
any_file() { local f; for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }
has_libclang() { # bindgen loads the library, and the headers that belong to it
  if [ -n "${LIBCLANG_PATH:-}" ]; then return 0; fi
  if [ "$system" = Darwin ]; then
    any_file "$(xcode-select -p 2>/dev/null)"/usr/lib/libclang.dylib \
      "$(xcode-select -p 2>/dev/null)"/Toolchains/XcodeDefault.xctoolchain/usr/lib/libclang.dylib \
      /opt/homebrew/opt/llvm/lib/libclang.dylib /usr/local/opt/llvm/lib/libclang.dylib
  else
    any_file /usr/lib/llvm-*/lib/libclang{,-[0-9]*}.so* /usr/lib/*-linux-gnu*/libclang{,-[0-9]*}.so* /usr/lib{,64}/libclang.so* &&
      any_file /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/lib{,64}/clang/*/include/stddef.h
  fi
}
has_make() { have make; }
has_pkg_config() { [ "$system" = Darwin ] || have "${PKG_CONFIG:-pkg-config}"; }
has_openssl() {
  [ -n "${OPENSSL_DIR:-}" ] || pkg-config --exists openssl 2>/dev/null ||
    { [ "$system" = Darwin ] && any_file /opt/homebrew/opt/openssl@3/include /usr/local/opt/openssl@3/include; }
}
has_zlib() { [ "$system" = Darwin ] || pkg-config --exists zlib 2>/dev/null; }
has_java() { find_java "$java" >/dev/null; }
has_maven() { have mvn; }
# Unpacked here by fetch_prometheus; the Makefile puts the folder on the PATH.
prometheus_dir=$cache_dir/prometheus
has_prometheus() { { have prometheus && have promtool; } || [ -x "$prometheus_dir/usr/bin/promtool" ]; }
has_rust_tools() { cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; }

offered() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'; }
# Kafka runs on 17, the Schema Registry on 21. Debian 12 has no newer one than 17: there, the tests with a registry are
# left out. With Homebrew the newest comes.
choose_java() {
  local major
  java=21 java_package=openjdk-21-jre-headless
  if has_java || ! have apt-get; then return; fi
  for major in 21 25; do
    java_package=openjdk-$major-jre-headless
    if offered "$java_package"; then return; fi
  done
  java=17 java_package=openjdk-17-jre-headless
}

missing='' packages=''
want() { # want WHAT CHECK APT BREW
  "$2" && return
  missing="$missing
  - $1"
  if have apt-get; then packages="$packages $3"; else packages="$packages $4"; fi
}

survey() {
  missing='' packages=''
  want "a C compiler and linker" has_cc "gcc libc6-dev" ""
  [ "$level" != demo ] || return 0
  want "a C++ compiler" has_cxx "g++" ""
  want "make" has_make "make" ""
  want "libclang with its headers (for the RocksDB bindings)" has_libclang "libclang-dev" "llvm"
  want "pkg-config" has_pkg_config "pkg-config" "pkgconf"
  want "the headers of OpenSSL (for librdkafka)" has_openssl "libssl-dev" "openssl@3"
  want "the headers of zlib (for librdkafka)" has_zlib "zlib1g-dev" ""
  [ "$level" != full ] || return 0
  choose_java
  want "Java $java or newer (runs Kafka for the tests, from 21 on a Schema Registry too)" has_java "$java_package" "openjdk"
  want "Maven (fetches Kafka for the tests)" has_maven "maven" "maven"
}

# --- Installing ---

# Asks before COMMAND... is run as another user; returns only with a yes.
confirm() {
  local reply
  if [ "${CI:-}" = true ] || [ "${ASSUME_YES:-}" = 1 ]; then return 0; fi
  [ -t 0 ] || die "cannot ask here. Run this yourself, or set ASSUME_YES=1:
    $*"
  printf 'To be run:\n    %s\nGo on? [y/N] ' "$*" >&2
  read -r reply
  case $reply in y | Y | yes) ;; *) die "nothing was installed" ;; esac
}

apt_install() {
  local install="apt-get install -y --no-install-recommends" as_root=''
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "there is no sudo here. As root:
    $install$packages"
    confirm "sudo $install$packages"
    as_root=sudo
  fi
  # The lists first: on a fresh system they are empty, and with them the choice of Java may change.
  # shellcheck disable=SC2086  # word splitting is meant: a list of packages, and maybe no sudo
  $as_root apt-get -o DPkg::Lock::Timeout=300 update -qq
  survey
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive $install -qq -o DPkg::Lock::Timeout=300 $packages >&2
}

# Debian's package would start a service and keep starting it. Only the two programs are needed: the package is
# unpacked into the cache folder, which takes no root and leaves the system as it is.
fetch_prometheus() {
  local work
  say "unpacking Debian's prometheus into $prometheus_dir"
  work=$(mktemp -d)
  (
    cd "$work"
    if ! apt-get download -qq prometheus 2>/dev/null; then
      if [ "$(id -u)" = 0 ]; then
        apt-get update -qq
      else
        have sudo || die "the lists of packages are empty. As root: apt-get update"
        confirm "sudo apt-get update"
        sudo apt-get update -qq
      fi
      apt-get download -qq prometheus
    fi
    dpkg-deb --extract prometheus_*.deb unpacked
  )
  mkdir -p "$prometheus_dir"
  rm -rf "${prometheus_dir:?}/usr"
  mv "$work/unpacked/usr" "$prometheus_dir/usr"
  rm -rf "$work"
}

check_rust
survey
if [ -n "$missing" ]; then
  say "missing for \`$level\`:$missing"
  if have apt-get; then
    say "packages:$packages"
    apt_install
  elif [ "$system" = Darwin ]; then
    has_cc || die "install Apple's command line tools with  xcode-select --install  and run this again"
    have brew || die "Homebrew is missing (https://brew.sh). With it this would run:
    brew install$packages"
    say "running: brew install$packages"
    # shellcheck disable=SC2086
    brew install $packages >&2
  else
    die "this system has neither apt nor Homebrew: install what is listed above with its package manager and run this again.
  On Debian it would be:  apt-get install gcc g++ make libclang-dev pkg-config libssl-dev zlib1g-dev openjdk-21-jre-headless maven"
  fi
  survey
  [ -z "$missing" ] || die "installed, and still missing:$missing"
fi

if [ "$level" = test ]; then
  if [ "$java" -lt 21 ]; then
    say "no package here has Java 21 or newer: the tests with a Schema Registry are left out until JAVA_HOME names one"
  fi
  if ! has_rust_tools; then
    have rustup || die "rustfmt or clippy is missing, and there is no rustup to add them"
    say "adding rustfmt and clippy to the Rust toolchain"
    rustup component add rustfmt clippy >&2
  fi
  if ! has_prometheus; then
    if have apt-get; then
      fetch_prometheus
    elif have brew; then
      say "running: brew install prometheus"
      brew install prometheus >&2
    else
      die "prometheus and promtool are missing (the dashboard's queries are tested against them): https://prometheus.io/download"
    fi
  fi
fi
