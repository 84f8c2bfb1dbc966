#!/usr/bin/env bash
# One local Apache Kafka (KRaft, a single node) on 127.0.0.1, for `make kafka`, the tests and the benchmarks.
#
#   kafka.sh libs                 fetch the jars from Maven Central once; prints their folder
#   kafka.sh start [OPTIONS]      start and wait until it answers; prints the bootstrap address, nothing else
#   kafka.sh restart [OPTIONS]    the same after a stop; the data stays
#   kafka.sh stop [--dir D]       stop it; the data stays
#   kafka.sh status [--dir D]     prints where it runs; exit 0 if it does, 3 if not
#   kafka.sh tool CLASS ARGS...   run a class of Kafka's, such as org.apache.kafka.tools.TopicCommand
#
#   --dir D       data, configuration, log and pid; brokers with different folders and ports do not meet
#   --port P      default: the port of the last start in that folder, else 9092; 0 takes a free one
#   --fresh       forget the data of the last start
#   --heap SIZE   the JVM's heap, 1g by default; 256m is enough for tests
#   --set K=V     one more broker property; may be repeated, and is kept for later starts until --fresh
#   --while PID   stop by itself once that process has ended, so that a killed test leaves nothing behind
#   --docker      use Apache's image if a Docker engine answers
#
# `start` without --dir gives way to WAYBILL_BOOTSTRAP: if that is set, it is printed and nothing is started.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$here/server.sh"

version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/kafka-pom.xml")
libs=$cache_dir/kafka-$version
container=waybill-kafka
ready_seconds=90

need_java() {
  java=$(find_java 17) || die "Kafka $version needs Java 17 or newer; run scripts/setup.sh test, or set JAVA_HOME"
}

fetch_libs() {
  fetch_once "$libs" "Apache Kafka $version (about 45 MB)" : -f "$here/kafka-pom.xml" dependency:copy-dependencies
}

# Sends the smallest request there is (ApiVersions 0) and waits for the first byte of the answer, which is a NUL.
answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf '\0\0\0\012\0\022\0\0\0\0\0\001\377\377' >&3
    IFS= read -r -t 5 -d '' _ <&3
  ) 2>/dev/null
}

# settings BIND CONTROLLER_PORT LOG_DIRS: the broker's properties.
# One node, so every replication factor is 1; few internal partitions and no rebalance delay, so that it starts fast.
settings() {
  cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://$1:$port,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$3
log.segment.bytes=268435456
num.partitions=4
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
P
}

# What a reader of the log would look for first.
why_it_failed() { grep -m 3 -E 'ERROR|Exception|Error' "$log" >&2 || tail -n 5 "$log" >&2; }

stop_all() {
  if [ -f "$dir/docker" ]; then
    docker stop "$container" >/dev/null && rm -f "$dir/docker"
  fi
  stop_server
}

# Waits until the process that $1 asks after has the broker's port open and answers on it.
# The broker opens its port a little before it takes part in the cluster; only its log tells when it does.
await_broker() {
  local waited=0
  until { [ -z "$log" ] || grep -q 'Kafka Server started' "$log" 2>/dev/null; } && answers "$port"; do
    "$@" >/dev/null 2>&1 || return 1
    [ "$waited" -lt $((ready_seconds * 10)) ] || { say "no answer from the broker after $ready_seconds s"; return 1; }
    waited=$((waited + 1))
    sleep 0.1
  done
}

start_jvm() {
  local controller pid
  need_java
  fetch_libs
  log=$dir/kafka.log
  controller=$port
  while [ "$controller" = "$port" ]; do controller=$(free_port) || exit 1; done
  touch "$dir/extra.properties"
  { settings 127.0.0.1 "$controller" "$dir/data"; cat "$dir/extra.properties"; } >"$dir/server.properties"
  if [ ! -f "$dir/data/meta.properties" ]; then
    # A fixed cluster id saves a JVM start; nothing compares the ids of two local clusters.
    "$java" -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$libs/*" kafka.tools.StorageTool format \
      -t waybillwaybillwaybill0 -c "$dir/server.properties" >"$log" 2>&1 ||
      { why_it_failed; die "Kafka could not format $dir/data; see $log"; }
  fi
  launch "$log" "$java" -Xmx"$heap" -Xms"$heap" -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
    -cp "$libs/*" kafka.Kafka "$dir/server.properties"
  pid=$(cat "$dir/pid")
  if await_broker kill -0 "$pid"; then
    echo "$port" >"$dir/port"
    return 0
  fi
  why_it_failed
  stop_server
  # Another process was quicker to take the controller's port: the caller may try again.
  ! grep -q 'Address already in use' "$log" || return 75
  die "Kafka did not start; see $log"
}

start_docker() {
  local name value env=()
  log=
  if [ -n "$fresh" ]; then docker rm -f "$container" >/dev/null 2>&1 || true; fi
  if docker container inspect "$container" >/dev/null 2>&1; then
    docker start "$container" >/dev/null
    port=$(docker port "$container" | sed -n 's/.*127\.0\.0\.1:\([0-9]*\)$/\1/p' | head -n 1)
  else
    # The image takes a property a.b.c as KAFKA_A_B_C. Inside the container it binds to all interfaces;
    # what the machine opens is 127.0.0.1 alone.
    while IFS='=' read -r name value; do
      env+=(-e "KAFKA_$(printf '%s' "$name" | tr 'a-z.' 'A-Z_')=$value")
    done < <(settings 0.0.0.0 "$([ "$port" = 9093 ] && echo 9094 || echo 9093)" /var/lib/kafka/data; cat "$dir/extra.properties" 2>/dev/null)
    docker run -d --name "$container" -p "127.0.0.1:$port:$port" "${env[@]}" "apache/kafka:$version" >/dev/null ||
      die "Docker could not start apache/kafka:$version; its message is above"
  fi
  # shellcheck disable=SC2016  # the dollar belongs to nobody: grep reads it
  await_broker sh -c 'docker container inspect -f "{{.State.Running}}" "$0" | grep -q "^true$"' "$container" ||
    die "Kafka did not start; see: docker logs $container"
  touch "$dir/docker"
  echo "$port" >"$dir/port"
}

start() {
  if [ -z "$dir_given" ] && [ -n "${WAYBILL_BOOTSTRAP:-}" ]; then
    say "using the Kafka of WAYBILL_BOOTSTRAP"
    printf '%s\n' "$WAYBILL_BOOTSTRAP"
    return
  fi
  local status=0 tries=0 saved
  saved=$(cat "$dir/port" 2>/dev/null || true)
  if [ -z "$fresh$extra" ] && [ -n "$saved" ] && [ "${port:-$saved}" = "$saved" ] && { [ -f "$dir/docker" ] || server_pid >/dev/null; } &&
    answers "$saved"; then
    printf '127.0.0.1:%s\n' "$saved"
    return
  fi
  stop_all
  if [ -n "$fresh" ]; then rm -rf "$dir/data" "$dir/port" "$dir/extra.properties" && saved=; fi
  mkdir -p "$dir"
  if [ -n "$extra" ]; then printf '%s' "$extra" >>"$dir/extra.properties"; fi
  if [ "${port:-}" = 0 ]; then port=$(free_port) || exit 1; fi
  port=${port:-${saved:-9092}}
  if listens "$port"; then
    die "port $port on 127.0.0.1 is taken. Choose another with --port, or set WAYBILL_BOOTSTRAP=127.0.0.1:$port if that is the Kafka to use"
  fi
  if [ -n "$docker" ] && have docker && docker info >/dev/null 2>&1; then
    start_docker
  else
    until start_jvm; do
      status=$?
      tries=$((tries + 1))
      if [ "$status" != 75 ] || [ "$tries" -ge 3 ] || listens "$port"; then
        die "Kafka did not start; see $dir/kafka.log"
      fi
    done
  fi
  if [ -n "$while_pid" ]; then watch_over "$while_pid"; fi
  printf '127.0.0.1:%s\n' "$port"
}

status() {
  local pid
  if [ -f "$dir/docker" ] && answers "$(cat "$dir/port")"; then
    printf 'running on 127.0.0.1:%s, Docker container %s\n' "$(cat "$dir/port")" "$container"
  elif pid=$(server_pid); then
    printf 'running on 127.0.0.1:%s, pid %s, log %s\n' "$(cat "$dir/port" 2>/dev/null || echo '?')" "$pid" "$dir/kafka.log"
  else
    echo stopped
    exit 3
  fi
}

command=${1:-help}
[ $# -eq 0 ] || shift
if [ "$command" = tool ]; then
  need_java
  fetch_libs
  exec "$java" -cp "$libs/*" "$@"
fi

dir=$cache_dir/kafka dir_given='' port='' fresh='' heap=1g extra='' while_pid='' docker='' log=''
while [ $# -gt 0 ]; do
  case $1 in
  --fresh) fresh=yes ;;
  --docker) docker=yes ;;
  --dir | --port | --heap | --set | --while)
    [ $# -ge 2 ] || die "$1 needs a value"
    case $1 in
    --dir) dir=$2 dir_given=yes ;;
    --port) port=$2 ;;
    --heap) heap=$2 ;;
    --set) extra+="$2"$'\n' ;;
    --while) while_pid=$2 ;;
    esac
    shift
    ;;
  *) die "unknown option $1; see $0 help" ;;
  esac
  shift
done
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# shellcheck disable=SC2034  # read by server.sh
mark="kafka.Kafka $dir/server.properties" serves="the broker"
case $port in *[!0-9]*) die "--port takes a number, not $port" ;; esac

case $command in
libs)
  fetch_libs
  printf '%s\n' "$libs"
  ;;
start) start ;;
restart)
  [ -z "$fresh" ] || die "restart keeps the data; use start --fresh"
  stop_all
  start
  ;;
stop) stop_all ;;
status) status ;;
help | --help | -h) print_head ;;
*) die "unknown command $command; see $0 help" ;;
esac
