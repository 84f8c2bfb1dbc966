#!/usr/bin/env bash
# One local Schema Registry (Apicurio, schemas in memory) on 127.0.0.1, for the tests.
#
#   registry.sh fetch                       fetch it from Maven Central once (159 MB); prints its folder
#   registry.sh start --dir D [--port P] [--while PID]
#                                           start and wait until it answers; prints the URL of its Confluent API
#   registry.sh stop --dir D                stop it; what was registered is gone
#
#   --dir D       log and pid
#   --port P      0, the default, takes a free one
#   --while PID   stop by itself once that process has ended, so that a killed test leaves nothing behind
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

version=3.3.3
app=$cache_dir/apicurio-$version
ready_seconds=120

fetch() {
  [ -d "$app" ] && return
  have mvn || die "Maven (mvn) is missing; it fetches the registry. Run scripts/setup.sh test"
  local tmp archive
  mkdir -p "$cache_dir"
  tmp=$(mktemp -d "$app.XXXXXX")
  say "fetching Apicurio Registry $version (about 159 MB) into $app"
  if ! mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$tmp" >"$tmp/mvn.log" 2>&1; then
    cat "$tmp/mvn.log" >&2
    rm -rf "$tmp"
    die "Maven could not fetch Apicurio Registry $version; its message is above"
  fi
  archive=$tmp/apicurio-registry-app-$version-all.tar.gz
  tar -xzf "$archive" -C "$tmp"
  rm "$archive" "$tmp/mvn.log"
  # Renamed when complete, so that a start at the same time sees all of it or nothing.
  if [ -d "$app" ]; then rm -rf "$tmp"; else mv "$tmp" "$app"; fi
}

# Prints the pid of the registry of this folder, if it runs. A pid file that outlived it is not believed.
registry_pid() {
  local pid
  [ -f "$dir/pid" ] && pid=$(cat "$dir/pid") && [ -n "$pid" ] || return 1
  case $(ps -ww -p "$pid" -o command= 2>/dev/null) in
  *"-Dwaybill.dir=$dir "*) printf '%s\n' "$pid" ;;
  *) return 1 ;;
  esac
}

stop() {
  local pid
  if pid=$(registry_pid); then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 1 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  fi
  rm -f "$dir/pid"
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Asks for /apis/ccompat/v7/config and looks at the status.
answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET /apis/ccompat/v7/config HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    IFS= read -r -t 5 status <&3
    case $status in *" 200 "*) exit 0 ;; *) exit 1 ;; esac
  ) 2>/dev/null
}

# Below 32768, where systems begin to take ports for outgoing connections.
free_port() {
  local candidate
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    candidate=$((20000 + RANDOM % 12000))
    listens "$candidate" || { printf '%s\n' "$candidate"; return; }
  done
  die "found no free port between 20000 and 32000"
}

watch_over() {
  local pid
  pid=$(registry_pid) || return 0
  (
    set -m
    {
      trap '' HUP
      while kill -0 "$while_pid" 2>/dev/null && kill -0 "$pid" 2>/dev/null; do sleep 1; done
      if [ "$(registry_pid)" = "$pid" ]; then stop; fi
    } </dev/null >/dev/null 2>&1 &
  )
}

start() {
  local java pid jar waited=0
  java=$(find_java 21) || die "Apicurio Registry needs Java 21 or newer; set JAVA_HOME, or start without the tests that need it"
  fetch
  stop
  mkdir -p "$dir"
  if [ "$port" = 0 ]; then port=$(free_port) || exit 1; fi
  jar=$(find "$app" -maxdepth 2 -name quarkus-run.jar | head -n 1)
  [ -n "$jar" ] || die "there is no quarkus-run.jar in $app; remove the folder and try again"
  (
    set -m
    nohup "$java" -Xmx256m -Dwaybill.dir="$dir" -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
      -jar "$jar" </dev/null >"$dir/registry.log" 2>&1 &
    echo $! >"$dir/pid"
  )
  pid=$(cat "$dir/pid")
  until answers "$port"; do
    kill -0 "$pid" 2>/dev/null && [ "$waited" -lt $((ready_seconds * 5)) ] ||
      { tail -n 5 "$dir/registry.log" >&2; stop; die "the registry did not start; see $dir/registry.log"; }
    waited=$((waited + 1))
    sleep 0.2
  done
  if [ -n "$while_pid" ]; then watch_over; fi
  printf 'http://127.0.0.1:%s/apis/ccompat/v7\n' "$port"
}

command=${1:-help}
[ $# -eq 0 ] || shift
dir='' port=0 while_pid=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || die "$1 needs a value"
  case $1 in
  --dir) dir=$2 ;;
  --port) port=$2 ;;
  --while) while_pid=$2 ;;
  *) die "unknown option $1; see $0 help" ;;
  esac
  shift 2
done
case $port in *[!0-9]*) die "--port takes a number, not $port" ;; esac
case $command in start | stop) [ -n "$dir" ] || die "--dir is needed; see $0 help" ;; esac
case $dir in '' | /*) ;; *) dir=$PWD/$dir ;; esac

case $command in
fetch)
  fetch
  printf '%s\n' "$app"
  ;;
start) start ;;
stop) stop ;;
help | --help | -h) sed -n '2,/^set /p' "$0" | sed -e '/^set /d' -e 's/^# \{0,1\}//' ;;
*) die "unknown command $command; see $0 help" ;;
esac
