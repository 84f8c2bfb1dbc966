#!/usr/bin/env bash
# Waybill beside Kafka Streams and the raw transactional forwarder: builds all three, then measures them in turn.
#   bench/run.sh [ROUNDS]      results in bench/results/
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/waybill/target}"
# Without incremental compilation, as it is shipped.
CARGO_INCREMENTAL=0 cargo build --release
CARGO_INCREMENTAL=0 cargo build --release -p probe
mvn -q -B -f bench/kafka-streams/pom.xml package
exec python3 bench/bench.py --target "$CARGO_TARGET_DIR/release" --rounds "${1:-3}"
