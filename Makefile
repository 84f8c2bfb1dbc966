# The commands of this project. `make` alone lists them; what they need is installed by scripts/setup.sh.

SHELL := bash
.DEFAULT_GOAL := help
# Cargo shares the work out; the steps here follow one another.
.NOTPARALLEL:

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/waybill

# RocksDB's C++ takes 20 minutes and more to compile on 2 cores. So that it happens once: the target folder lies
# outside the clone and outlives it, and every command below builds with --release, where the features and the
# packages are unified in the same way.
CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_TARGET_DIR

# cargo where rustup puts it, for shells that do not read the profile; promtool where setup.sh unpacks it.
PATH := $(PATH):$(HOME)/.cargo/bin:$(CACHE)/prometheus/usr/bin
export PATH

# On a build server a Cargo.lock that is not up to date is an error, not something to mend silently.
LOCKED := $(if $(filter true,$(CI)),--locked)
# A Java for the Schema Registry of the tests, which asks for a newer one than Kafka.
JAVA_21 = . scripts/lib.sh && find_java 21 >/dev/null
# The benchmarks that measure libraries beside ours are built by their own targets only.
PACKAGES := --workspace --exclude waybill-stops-report
# A test that hangs ends with its name on the last line, and not with the patience of whoever waits for the whole.
MOST_SECONDS := 1500
LIMIT := $(if $(shell command -v timeout),--config 'target."cfg(unix)".runner="timeout --foreground -k 10 $(MOST_SECONDS)"')
CARGO_TEST := cargo test $(LIMIT) $(LOCKED) $(PACKAGES) --release --features waybill/failpoints
# Reading maps is built apart from RocksDB: see the feature `osm` in Cargo.toml.
MAPS := CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)-maps" cargo
WAYBILL := $(CARGO_TARGET_DIR)/release/waybill

CONFIG ?= topology.toml
KAFKA_PORT ?= 9092
BOOTSTRAP ?= $(or $(WAYBILL_BOOTSTRAP),127.0.0.1:$(KAFKA_PORT))
STATE_DIR ?= $(CACHE)/state
DEMO_FLAGS = $(if $(EXIT),--exit) $(if $(SEED),--seed $(SEED)) $(if $(PORT),--port $(PORT))

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- Try it ---

.PHONY: demo
demo: ## replay real invoices through the engine, in memory [EXIT=1 SEED=n PORT=p STORE=rocksdb STATE_DIR=dir]
ifeq ($(STORE),rocksdb)
	scripts/setup.sh full
	cargo run $(LOCKED) --release -- demo $(DEMO_FLAGS) --state-dir "$(STATE_DIR)/demo"
else
	scripts/setup.sh demo
	cargo run $(LOCKED) --release --no-default-features -- demo $(DEMO_FLAGS)
endif

.PHONY: roads
roads: ## prepare OpenStreetMap's roads for `[fleet] roads` [MAP=file.osm.pbf OUT=file.roads]
	scripts/setup.sh demo
	$(MAPS) run $(LOCKED) --release --no-default-features --features osm -- \
	  roads build "$(or $(MAP),data/roads/helsinki.osm.pbf)" $(if $(OUT),--out "$(OUT)")

.PHONY: kafka
kafka: ## start a local Apache Kafka, or name the one of WAYBILL_BOOTSTRAP [KAFKA_PORT=p]
	scripts/kafka.sh start --docker --port $(KAFKA_PORT)

.PHONY: kafka-stop
kafka-stop: ## stop it; its data stays
	scripts/kafka.sh stop

.PHONY: topics
topics: build ## create the topics [BOOTSTRAP=host:port CONFIG=file]
	"$(WAYBILL)" topics create --config $(CONFIG) --bootstrap $(BOOTSTRAP)

.PHONY: run
run: topics ## create the topics, then run Waybill [BOOTSTRAP=host:port CONFIG=file STATE_DIR=dir]
	"$(WAYBILL)" run --config $(CONFIG) --bootstrap $(BOOTSTRAP) --state-dir "$(STATE_DIR)"

.PHONY: verify
verify: build ## audit the topics: nothing oversold, lost or twice [BOOTSTRAP=host:port CONFIG=file]
	"$(WAYBILL)" verify --config $(CONFIG) --bootstrap $(BOOTSTRAP)

# --- Work on it ---

.PHONY: setup
setup: ## install what a full build needs
	scripts/setup.sh full

.PHONY: setup-test
setup-test: ## install what the tests need as well: a JVM, Maven, Prometheus
	scripts/setup.sh test

.PHONY: build
build: setup ## build the program
	cargo build $(LOCKED) --workspace --release

.PHONY: lint
lint: ## rustfmt, clippy, shellcheck and cargo-deny (the last two if they are installed)
	cargo fmt --all --check
	cargo clippy $(LOCKED) $(PACKAGES) --release --all-targets --features waybill/failpoints -- -D warnings
	cargo clippy $(LOCKED) --release --all-targets --no-default-features -- -D warnings
	if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh .ci/run; fi
	if command -v cargo-deny >/dev/null; then cargo deny check; fi

.PHONY: test
test: setup-test lint test-maps ## everything a change must pass; starts real brokers on 127.0.0.1
	$(CARGO_TEST)
	@$(JAVA_21) || echo "skipped: the tests with a real Schema Registry; they need Java 21 or newer (make test-registry)" >&2

.PHONY: test-registry
test-registry: setup-test ## Avro with a real Schema Registry; a part of `make test` where there is Java 21
	@$(JAVA_21) || { echo "Java 21 or newer is missing, for the Schema Registry of the tests: install one, or set JAVA_HOME" >&2; exit 1; }
	$(CARGO_TEST) --test registry

.PHONY: test-maps
test-maps: ## reading OpenStreetMap's maps, without Kafka and RocksDB
	$(MAPS) clippy $(LOCKED) --release -p waybill-roads --all-targets --features osm -- -D warnings
	$(MAPS) test $(LOCKED) --release -p waybill-roads --features osm
	$(MAPS) test $(LOCKED) --release --no-default-features --features osm --test cli roads

.PHONY: test-fast
test-fast: ## rules, scenarios and simulation, without Kafka and RocksDB
	scripts/setup.sh demo
	cargo test $(LOCKED) $(PACKAGES) --release --no-default-features

.PHONY: simulate
simulate: ## more seeds of the simulation, or one that failed [SEEDS=n, 10000 unless said; SEED=n]
	scripts/setup.sh demo
	$(if $(SEED),WAYBILL_SIM_SEED=$(SEED),WAYBILL_SIM_SEEDS=$(or $(SEEDS),10000)) \
	  cargo test $(LOCKED) --release --no-default-features --test simulation every_seed -- --nocapture

.PHONY: mutants
mutants: ## break the program in every way of tests/mutants; the tests must notice; results in docs/mutants.md
	scripts/setup.sh demo
	scripts/mutants.sh

.PHONY: crash
crash: setup-test ## more rounds of SIGKILL at each step of the commit, on a real Kafka [ROUNDS=n, 50 unless said]
	WAYBILL_CRASH_ROUNDS=$(or $(ROUNDS),50) $(CARGO_TEST) --test crash -- --nocapture

.PHONY: bench
bench: setup-test build ## speed and memory beside Kafka Streams; results in bench/results
	bench/run.sh

.PHONY: bench-fleet
bench-fleet: setup-test build ## the fleet's speed, memory and latency; what trust and demand cost [ROUNDS=n]
	bench/fleet/run.sh $(or $(ROUNDS),3)

.PHONY: eta-report
eta-report: ## how good the arrival times are, on real buses; figures and plots in docs/eta
	cargo run $(LOCKED) --release -p waybill-eta-report -- data/buses/liverpool-route14.csv docs/eta

.PHONY: stops-report
stops-report: ## how good orders of stops are, vrp-core beside them [INSTANCES=folder OPTIMA=file]; docs/stops.md
	cargo run $(LOCKED) --release -p waybill-stops-report -- docs/stops.md $(if $(INSTANCES),"$(INSTANCES)" "$(OPTIMA)")

.PHONY: fuzz
fuzz: ## fuzz every decoder, or one [TIME=seconds for each, 60 unless said; TARGET=name]; needs cargo-fuzz
	scripts/fuzz.sh $(or $(TIME),60) $(TARGET)
