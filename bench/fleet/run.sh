#!/usr/bin/env bash
# The fleet's speed, memory and latency beside the raw transactional forwarder, and what signatures, catalogue and
# demand cost: builds the programs, then measures in turn.
#   bench/fleet/run.sh [ROUNDS [OPTIONS OF bench.py]]      results in bench/results/
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/waybill/target}"
# All packages at once, so that each has the features that it has everywhere; without incremental compilation, as it is
# shipped.
CARGO_INCREMENTAL=0 cargo build --release --workspace --exclude waybill-stops-report
rounds=${1:-3}
[ $# -eq 0 ] || shift
exec python3 bench/fleet/bench.py --target "$CARGO_TARGET_DIR/release" --rounds "$rounds" "$@"
