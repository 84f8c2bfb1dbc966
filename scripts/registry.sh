#!/usr/bin/env bash
# One local Schema Registry (Apicurio, schemas in memory) on 127.0.0.1, for the tests.
#
#   registry.sh fetch                       fetch it from Maven Central once (159 MB); prints its folder
#   registry.sh start --dir D [--port P] [--while PID]
#                                           start and wait until it answers; prints the URL of its Confluent API
#   registry.sh stop --dir D                stop it; what was registered is gone
#
#   --dir D       log and pid; registries with different folders do not meet
#   --port P      0, the default, takes a free one
#   --while PID   stop by itself once that process has ended, so that a killed test leaves nothing behind
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$here/server.sh"

version=3.3.3
app=$cache_dir/apicurio-$version
# A start takes 8 s alone; beside a broker and a compiler, on 2 cores, a minute.
ready_seconds=180

unpack() {
  local archive=$1/apicurio-registry-app-$version-all.tar.gz
  tar -xzf "$archive" -C "$1"
  rm "$archive"
}

fetch() {
  fetch_once "$app" "Apicurio Registry $version (about 159 MB)" unpack \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all"
}

# It says so itself: another one may answer at a port that this one did not get.
has_port() { grep -q "Listening on: http://127\.0\.0\.1:$port\." "$dir/registry.log" 2>/dev/null; }

# Asks for its subjects, which takes the storage as well, and looks at the status.
answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    printf 'GET /apis/ccompat/v7/subjects HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    IFS= read -r -t 5 status <&3
    case $status in *" 200 "*) exit 0 ;; *) exit 1 ;; esac
  ) 2>/dev/null
}

# Starts it at $port and waits; 75 if another process was quicker to take that.
launch_and_wait() {
  local java=$1 jar=$2 pid began=$SECONDS
  # Its management interface would take port 9000 of all addresses, and a second registry would find that taken.
  # Little memory and little compiling: it answers a few hundred requests.
  launch "$dir/registry.log" "$java" -Xmx256m -XX:MaxMetaspaceSize=256m -XX:ReservedCodeCacheSize=64m -XX:+UseSerialGC \
    -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError -Dwaybill.dir="$dir" -Dquarkus.http.host=127.0.0.1 \
    -Dquarkus.http.port="$port" -Dquarkus.management.host=127.0.0.1 -Dquarkus.management.port=0 -jar "$jar"
  pid=$(cat "$dir/pid")
  until has_port && answers; do
    if ! kill -0 "$pid" 2>/dev/null || [ $((SECONDS - began)) -ge "$ready_seconds" ]; then
      stop_server
      ! grep -qi 'in use by another process\|address already in use' "$dir/registry.log" || return 75
      return 1
    fi
    sleep 0.2
  done
}

start() {
  local java jar wanted=$port status
  java=$(find_java 21) || die "Apicurio Registry needs Java 21 or newer, and there is none here; install one, or set JAVA_HOME"
  fetch
  stop_server
  mkdir -p "$dir"
  if [ "$port" != 0 ] && listens "$port"; then die "port $port on 127.0.0.1 is taken; --port 0 takes a free one"; fi
  jar=$(find "$app" -maxdepth 2 -name quarkus-run.jar | head -n 1)
  [ -n "$jar" ] || die "there is no quarkus-run.jar in $app; remove the folder and try again"
  for _ in 1 2 3; do
    if [ "$wanted" = 0 ]; then port=$(free_port) || exit 1; fi
    status=0
    launch_and_wait "$java" "$jar" || status=$?
    if [ "$status" = 0 ]; then
      if [ -n "$while_pid" ]; then watch_over "$while_pid"; fi
      printf 'http://127.0.0.1:%s/apis/ccompat/v7\n' "$port"
      return
    fi
    if [ "$status" != 75 ] || [ "$wanted" != 0 ]; then break; fi
  done
  tail -n 5 "$dir/registry.log" >&2
  die "the registry did not start; see $dir/registry.log"
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
# shellcheck disable=SC2034  # read by server.sh
mark="-Dwaybill.dir=$dir " serves="the registry"

case $command in
fetch)
  fetch
  printf '%s\n' "$app"
  ;;
start) start ;;
stop) stop_server ;;
help | --help | -h) print_head ;;
*) die "unknown command $command; see $0 help" ;;
esac
