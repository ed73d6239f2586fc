# The front door: `make` lists the targets. Every one of them works in a fresh clone, as root or not, and with any
# CARGO_TARGET_DIR; scripts/setup installs what is missing, Rust and a C compiler included.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib
CARGO ?= cargo
# How much longer the property tests of `make soak` look: cases a property.
SOAK_CASES ?= 20000
# Seconds of each target of `make fuzz`.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := config wires headers decide recordings state lines frames

# Tools that `make ci-extra` installs once, in tools/ of the target folder.
CARGO_DENY_VERSION := 0.20.2

# Every combination that somebody may build autoscale-core with; `sandbox` is for tests and the command line.
CORE_FEATURES := loop http graph sandbox postgres loop,graph http,graph graph,sandbox http,sandbox http,graph,sandbox

# Begins a recipe that builds: a Rust that is new enough, wherever it is, and `target_dir`, where it builds.
rust := . scripts/rust.sh &&
DEPLOY := autoscale-cli/deploy
bindir = $(DESTDIR)$(PREFIX)/bin
docdir = $(DESTDIR)$(PREFIX)/share/doc/heroku-autoscale
sharedir = $(DESTDIR)$(PREFIX)/share/heroku-autoscale
unitdir = $(DESTDIR)$(PREFIX)/lib/systemd/system
etcdir = $(DESTDIR)$(SYSCONFDIR)
autostartdir = $(etcdir)/xdg/autostart
icondir = $(DESTDIR)$(PREFIX)/share/icons/hicolor/scalable/apps

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# One build at a time: cargo has its own parallelism.
.NOTPARALLEL:
.PHONY: help demo tray-demo tray-tao test-tray test build-tools setup lint fmt-check clippy test-rust test-deploy generate bench header wheel soak ci-extra \
	test-prometheus test-fleet fuzz deny docs feature-check package-check release install uninstall capi test-c test-python test-hostile sanitize sizes

help: ## shows this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## builds, and shows the loop at work on a simulated app: a flash crowd in 20 seconds
	@$(rust) { [ -x "$$(target_dir)/debug/autoscale" ] || echo 'building, which takes some minutes the first time'; } && \
		$(CARGO) run --quiet --package autoscale-cli -- demo

tray-demo: ## builds, and shows the tray icon over a simulated app; needs a desktop with a tray
	@$(rust) { [ -x "$$(target_dir)/debug/autoscale-tray" ] || echo 'building, which takes some minutes the first time'; } && \
		$(CARGO) run --quiet --package tray-app -- --sandbox

# ── what a change must pass ──────────────────────────────────────────────────────────────────────────────────────────

test: ## all that a change must pass: every part below, also after one that failed; .ci/run calls it
	@MAKE="$(MAKE)" scripts/test

# scripts/test has called both, and goes on where one failed.
ifndef SETUP_DONE
demo tray-demo bench header wheel capi docs feature-check package-check deny release sanitize sizes: build-tools
lint fmt-check clippy test-rust test-tray test-deploy test-c test-python test-hostile soak: setup
endif

build-tools: ## installs Rust and a C compiler, where they are missing
	@scripts/setup build

setup: ## installs what `make test` needs, where it is missing
	@scripts/setup

lint: fmt-check clippy ## formatting and clippy, warnings are errors

fmt-check:
	$(rust) $(CARGO) fmt --all --check

# Never --all-features: some features exclude each other's platforms.
clippy:
	$(rust) $(CARGO) clippy --quiet --workspace --all-targets --locked -- -D warnings
	$(rust) $(CARGO) clippy --quiet --package autoscale-core --no-default-features --locked -- -D warnings
	$(rust) $(CARGO) clippy --quiet --package autoscale-ffi --no-default-features --all-targets --locked -- -D warnings

test-rust: ## unit, property and end-to-end tests
	$(rust) $(CARGO) test --workspace --locked --no-fail-fast

test-tray: ## the tray's desktop entries, and that its tree holds no GTK; its behaviour is tested by test-rust
	@tests/tray/run.sh

test-deploy: ## shell scripts, systemd units, Kubernetes objects, container recipe, workflows
	@tests/deploy/run.sh

capi: ## the C libraries, into capi/ of the target folder
	@autoscale-ffi/scripts/build

test-c: ## the C interface, from a destdir: compilers, misuse, leaks, interface drift, examples
	@tests/c_api/run.sh

test-hostile: ## a check of the real binary against servers that answer wrongly
	@tests/hostile/run.sh

test-python: ## the Python package, from its wheel, and its examples
	@tests/python/run.sh

# ── more than that ───────────────────────────────────────────────────────────────────────────────────────────────────

generate: ## writes what is made from the tables: config.sample.ini and its copy, README's key table, C's and Python's reasons
	UPDATE_GENERATED=1 $(CARGO) test -p autoscale-core --all-features --test core generated::

bench: ## how fast a decision, a check and a graph are
	$(rust) $(CARGO) bench --workspace
	autoscale-ffi/scripts/bench

header: ## writes include/autoscale.h anew from the C ABI
	autoscale-ffi/scripts/header

wheel: ## builds the Python package into wheels/ of the target folder
	autoscale-ffi/scripts/wheel

soak: ## the property tests with many more cases, and the tests that take minutes
	$(rust) PROPTEST_CASES=$(SOAK_CASES) AUTOSCALE_SOAK=1 $(CARGO) test --workspace --locked -- --include-ignored
	AUTOSCALE_SOAK=1 tests/python/run.sh
	@tests/fleet/run.sh --soak
	@$(MAKE) fuzz FUZZ_SECONDS=600
	@tests/hostile/run.sh --table "$$(. scripts/rust.sh && target_dir)/hostile.md"

ci-extra: docs feature-check package-check deny sizes sanitize tray-tao test-prometheus test-fleet ## documentation, combinations of features, packages, licences and advisories

test-prometheus: build-tools ## the Prometheus source against a real server
	@tests/prometheus/run.sh

test-fleet: build-tools ## processes that share a database, killed, stopped and cut off; also through pgbouncer
	@scripts/setup fleet
	@tests/fleet/run.sh

# Windows' and macOS's event loop, on Linux; in a folder of its own, since its features exclude the others'.
tray-tao:
	@scripts/setup tray
	@$(rust) if [ "$$(uname -s)" = Linux ]; then \
		xvfb-run --auto-servernum $(CARGO) test --package tray-app --no-default-features --features tao-loop \
			--target-dir "$$(target_dir)/tao" --locked; \
	fi

docs:
	$(rust) RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --workspace --no-deps --locked

feature-check:
	$(rust) $(CARGO) check --quiet --package autoscale-core --no-default-features --locked
	@set -e; $(rust) for features in $(CORE_FEATURES); do \
		echo "autoscale-core with $$features"; \
		RUSTFLAGS='-D warnings' $(CARGO) check --quiet --target-dir "$$(target_dir)/features" --package autoscale-core --no-default-features --features $$features --locked; \
	done

sizes: ## the C library: the decision alone, and all of it
	@autoscale-ffi/scripts/sizes

sanitize: ## the C tests with the address sanitizer in the library
	@autoscale-ffi/scripts/sanitize

# What a package holds: its own files and no others.
package-check:
	@set -e; $(rust) mkdir -p "$$(target_dir)"; list="$$(target_dir)/package-list"; for package in autoscale-core autoscale-ffi autoscale-cli tray-app; do \
		$(CARGO) package --quiet --list --allow-dirty --package $$package >"$$list" 2>/dev/null; \
		grep -qx 'src/[a-z]*.rs' "$$list"; \
		if grep -vE '^(src|schema|deploy|desktop|assets|fixtures|fonts|benches|examples|scripts|python)/|^(Cargo\.(toml|toml\.orig|lock)|README\.md|LICENSE-[A-Z]+|build\.rs|[a-z.]+\.ini|cbindgen\.toml|[A-Za-z.]+\.in|\.cargo_vcs_info\.json)$$' "$$list"; then echo "$$package holds the files above, which it should not" >&2; exit 1; fi; \
		echo "$$package: $$(wc -l <"$$list") files"; \
	done

deny:
	@$(rust) tools="$$(target_dir)/tools"; \
	[ "$$("$$tools/bin/cargo-deny" --version 2>/dev/null)" = 'cargo-deny $(CARGO_DENY_VERSION)' ] || \
		$(CARGO) install --quiet --locked --root "$$tools" --version $(CARGO_DENY_VERSION) --no-default-features cargo-deny || exit 1; \
	"$$tools/bin/cargo-deny" --locked check licenses bans sources || exit 1; \
	"$$tools/bin/cargo-deny" --locked check advisories || { \
		[ -z "$(CI)" ] && echo '════ LEFT OUT: advisories, see above ════'; }

# ── on this machine ──────────────────────────────────────────────────────────────────────────────────────────────────

release: ## the binaries as they are installed, autoscale and autoscale-tray, into release/ of the target folder
	$(rust) $(CARGO) build --release --locked --package autoscale-cli --package tray-app

# The configuration that is there already is left alone.
install: release capi ## binaries, desktop entries, units, init.d script, sample configuration, licences (DESTDIR=, PREFIX=/usr/local)
	install -d $(bindir) $(docdir) $(sharedir)/init.d $(sharedir)/kubernetes $(sharedir)/container $(unitdir) $(etcdir)/heroku-autoscale
	install -d $(autostartdir) $(DESTDIR)$(PREFIX)/share/applications $(icondir)
	$(rust) install -m 755 "$$(target_dir)/release/autoscale" "$$(target_dir)/release/autoscale-tray" $(bindir)/
	@sed 's#/usr/local/bin/#$(PREFIX)/bin/#' tray-app/desktop/autoscale-tray.desktop >$(DESTDIR)$(PREFIX)/share/applications/autoscale-tray.desktop
	@sed 's#/usr/local/bin/#$(PREFIX)/bin/#' tray-app/desktop/autoscale-tray-autostart.desktop >$(autostartdir)/autoscale-tray.desktop
	install -m 644 tray-app/assets/autoscale-tray.svg $(icondir)/
	install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE $(docdir)/
	@for unit in autoscale.service autoscale@.service; do \
		sed 's#/usr/local/bin/autoscale#$(PREFIX)/bin/autoscale#' $(DEPLOY)/systemd/$$unit >$(unitdir)/$$unit && chmod 644 $(unitdir)/$$unit || exit 1; \
	done
	@sed 's#/usr/local/bin/autoscale#$(PREFIX)/bin/autoscale#' $(DEPLOY)/init.d/heroku-autoscale >$(sharedir)/init.d/heroku-autoscale
	@chmod 755 $(sharedir)/init.d/heroku-autoscale
	@sed 's#/usr/local/bin/autoscale#$(PREFIX)/bin/autoscale#' $(DEPLOY)/init.d/heroku-autoscale.default >$(sharedir)/init.d/heroku-autoscale.default
	install -m 644 $(DEPLOY)/logrotate.conf $(sharedir)/init.d/
	install -m 644 $(DEPLOY)/kubernetes/*.yaml $(sharedir)/kubernetes/
	install -m 644 $(DEPLOY)/container/Containerfile $(sharedir)/container/
	install -m 644 config.sample.ini $(etcdir)/heroku-autoscale/
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" autoscale-ffi/scripts/install

uninstall: ## takes away what `make install` put there; your configuration and state stay
	rm -f $(bindir)/autoscale-tray $(autostartdir)/autoscale-tray.desktop $(icondir)/autoscale-tray.svg $(DESTDIR)$(PREFIX)/share/applications/autoscale-tray.desktop
	rm -f $(bindir)/autoscale $(unitdir)/autoscale.service $(unitdir)/autoscale@.service $(etcdir)/heroku-autoscale/config.sample.ini
	rm -f $(DESTDIR)$(LIBDIR)/libautoscale.* $(DESTDIR)$(LIBDIR)/pkgconfig/autoscale.pc $(DESTDIR)$(PREFIX)/include/autoscale.h
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/autoscale $(docdir) $(sharedir)

fuzz: build-tools ## any bytes into every parser, FUZZ_SECONDS (60) each; needs cargo-fuzz, which it installs
	$(rust) command -v cargo-fuzz >/dev/null || $(CARGO) install --quiet --locked cargo-fuzz
	$(rust) for target in $(FUZZ_TARGETS); do \
		found="$$(target_dir)/fuzz/found/$$target"; mkdir -p "$$found"; \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --sanitizer none $$target --target-dir "$$(target_dir)/fuzz" \
			"$$found" fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=20 -print_final_stats=1 || exit 1; done
