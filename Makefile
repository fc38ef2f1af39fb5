# The few commands a person types. Each installs what is missing first.

# One profile for everything, so that llama.cpp is compiled once.
CARGO = cargo
BUILD = --release --locked

KILLS ?= 3
RUNS ?= 100
CASES ?= 400
SEEDS ?= 20
CUTS ?= 1000000
SECONDS ?= 600
MODEL ?= models/wren/wren.gguf


.PHONY: run gateway test test-slow soak soak-journal breaks fuzz bench bench-journal bench-engine check dist wren wren-smoke eval-wren setup peers network

# The main job: the cold room is brought to -18 C, with the process killed on the way.
run: setup
	$(CARGO) build $(BUILD) --workspace --bins
	target/release/everstep-rehearse --kills $(KILLS) --report target/run.json

# The gateway example: a board whose devices and services are on the network, all of them on loopback.
gateway: setup peers network
	$(CARGO) build $(BUILD) --workspace --bins
	target/release/everstep-gateway

# Every test that fits CI. The rehearsals need the programs beside them.
test: setup peers network
	$(CARGO) build $(BUILD) --workspace --bins
	$(CARGO) test $(BUILD) --workspace

# What takes minutes: more lives, more walks, more cuts, and $(RUNS) runs of the real model with kills.
test-slow: setup peers network
	EVERSTEP_SEEDS=100000 $(CARGO) test $(BUILD) -p everstep-core
	EVERSTEP_SEEDS=100000 $(CARGO) test $(BUILD) -p system-tests --test lives -- --nocapture
	EVERSTEP_SEEDS=1000 $(CARGO) test $(BUILD) -p peer-tests --test lives -- --nocapture
	EVERSTEP_SEEDS=1000 $(CARGO) test $(BUILD) -p network-tests --test http_lives -- --nocapture
	EVERSTEP_SEEDS=400 $(CARGO) test $(BUILD) -p network-tests --test mqtt_lives -- --nocapture
	EVERSTEP_CUTS=100000 $(CARGO) test $(BUILD) -p everstep-journal --all-features
	$(MAKE) soak
	$(MAKE) wren-smoke

# $(RUNS) runs of the real model, killed in every phase.
soak: setup
	$(CARGO) build $(BUILD) --workspace --bins
	target/release/everstep-rehearse --runs $(RUNS) --kills $(KILLS) --quiet --report target/soak.json

# The journal under $(CUTS) seeded cuts on each medium, and every cut and pair of cuts.
soak-journal: setup
	EVERSTEP_CUTS=$(CUTS) EVERSTEP_EXHAUSTIVE=1 $(CARGO) test $(BUILD) -p everstep-journal --all-features

# Breaks the journal on purpose, one way after the other, and shows which test catches each.
breaks: setup
	$(CARGO) run $(BUILD) -p journal-proof --bin journal-breaks

# Searches $(SECONDS) seconds each for flash that makes the journal panic, loop, or make something up.
fuzz: setup
	$(CARGO) fuzz --version || $(CARGO) install --locked cargo-fuzz
	for target in structures decay; do \
		mkdir -p target/fuzz/$$target && \
		$(CARGO) +nightly fuzz run --sanitizer none --fuzz-dir tests/journal/fuzz --target-dir target/fuzz/build \
			$$target target/fuzz/$$target tests/journal/fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS) -timeout=20 -max_len=400 || exit 1; \
	done

# What a step costs without the model, and how fast the bundled model is.
bench: setup
	$(CARGO) bench --locked --workspace --bench step --bench wren --bench warm

# The journal beside sequential-storage, ekv, SQLite and redb: bytes, erases, recovery, what cuts lose.
bench-journal: setup
	$(CARGO) run $(BUILD) -p journal-bench

# The engine beside llama-bench, llama-server and LangGraph: speed, starts, memory. Builds them first.
bench-engine: setup
	benches/peers/setup.sh
	$(CARGO) build $(BUILD) --workspace --bins
	target/release/peers-bench

check: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(BUILD) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(BUILD) --workspace --no-deps
	$(CARGO) build $(BUILD) --manifest-path tests/no-std/Cargo.toml --target-dir target/no-std
	target/no-std/release/no-std
	$(CARGO) test $(BUILD) -p system-tests --test layers

# The binary that is flashed, in target/dist/: smaller, and slow to build.
dist: setup
	$(CARGO) build --profile dist --locked -p everstep

# Trains the bundled model anew, from nothing.
wren:
	models/wren/train.sh

# The same path in minutes: generate, train a little, convert, load, call.
wren-smoke: setup
	$(CARGO) build $(BUILD) --workspace --bins
	models/wren/train.sh test
	models/wren/train.sh smoke

# Measures the bundled model: single calls that training never saw, and whole episodes on every board.
eval-wren: setup
	$(CARGO) build $(BUILD) --workspace --bins
	python3 models/wren/cases.py --out target/wren-cases --count $(CASES)
	target/release/everstep eval --model $(MODEL) --suite target/wren-cases
	target/release/everstep-episodes --model $(MODEL) --seeds $(SEEDS) --wording shipped --report target/episodes-shipped.json
	target/release/everstep-episodes --model $(MODEL) --seeds $(SEEDS) --wording unseen --report target/episodes-unseen.json
	target/release/everstep-episodes --model $(MODEL) --seeds $(SEEDS) --wording unseen --no-constraint --report target/episodes-free.json

setup:
	@scripts/setup.sh

# The Python that the peers of the device tests run in.
peers:
	@scripts/test-peers.sh

# The broker and the servers of the Model Context Protocol that the network's tests call. It shares the peers' Python.
network: peers
	@scripts/test-network.sh
