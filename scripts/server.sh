# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables named below, and cache_dir, are of who sources it
# What kafka.sh and registry.sh share: a Java server of one folder, fetched by Maven once, started in the background,
# found again by its pid file and ended. Sourced after lib.sh, never run; knows neither Kafka nor the registry.
#
# The script that sources it sets
#   dir     the folder with pid and log
#   mark    part of the server's command line that no other process has
#   serves  what it is, for messages

# fetch_once FOLDER WHAT FINISH ARGS...: fills the folder by `mvn ARGS... -DoutputDirectory=…`, unless it is there.
# FINISH is called with what came before it gets its name.
fetch_once() {
  local folder=$1 what=$2 finish=$3 tmp
  shift 3
  if [ -d "$folder" ]; then return; fi
  have mvn || die "Maven (mvn) is missing; it fetches $what. Run scripts/setup.sh test"
  mkdir -p "$cache_dir"
  tmp=$(mktemp -d "$folder.XXXXXX")
  say "fetching $what into $folder"
  if ! mvn -q -B "$@" -DoutputDirectory="$tmp" >"$tmp/mvn.log" 2>&1; then
    cat "$tmp/mvn.log" >&2
    rm -rf "$tmp"
    die "Maven could not fetch $what; its message is above"
  fi
  rm "$tmp/mvn.log"
  "$finish" "$tmp"
  # Renamed when complete, so that a start at the same time sees all of it or nothing.
  if [ -d "$folder" ]; then rm -rf "$tmp"; else mv "$tmp" "$folder"; fi
}

# launch LOG COMMAND...: runs it in the background and writes its pid. A process group of its own: Ctrl-C in the terminal
# that started it does not reach it. The group and nohup stand in for setsid, which macOS does not have. No descriptor
# is kept, so that a caller's pipe gets its end.
launch() {
  local log=$1
  shift
  (
    set -m
    nohup "$@" </dev/null >"$log" 2>&1 &
    echo $! >"$dir/pid"
  )
}

# Prints the pid of the server of this folder, if it runs. A pid file that outlived its server is not believed.
server_pid() {
  local pid
  [ -f "$dir/pid" ] && pid=$(cat "$dir/pid") && [ -n "$pid" ] || return 1
  case $(ps -ww -p "$pid" -o command= 2>/dev/null) in
  *"$mark"*) printf '%s\n' "$pid" ;;
  *) return 1 ;;
  esac
}

stop_server() {
  local pid
  if pid=$(server_pid); then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 1 200); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    if kill -0 "$pid" 2>/dev/null; then
      say "$serves $pid did not stop within 20 s: killing it"
      kill -9 "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$dir/pid"
}

# watch_over PID: ends the server once that process has ended.
watch_over() {
  local starter=$1 pid
  pid=$(server_pid) || return 0
  (
    set -m
    {
      trap '' HUP
      while kill -0 "$starter" 2>/dev/null && kill -0 "$pid" 2>/dev/null; do sleep 1; done
      if [ "$(server_pid)" = "$pid" ]; then stop_server; fi
    } </dev/null >/dev/null 2>&1 &
  )
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below 32768, where systems begin to take ports for outgoing connections: a server that is started again finds its
# port free.
free_port() {
  local candidate
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    candidate=$((20000 + RANDOM % 12000))
    listens "$candidate" || { printf '%s\n' "$candidate"; return; }
  done
  die "found no free port between 20000 and 32000"
}

# The head of a script is its help.
print_head() { sed -n '2,/^set /p' "$0" | sed -e '/^set /d' -e 's/^# \{0,1\}//'; }
