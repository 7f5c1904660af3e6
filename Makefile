# `make` alone lists the targets. Everything runs from .venv, which follows the lock files.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTEST  := $(BIN)/python -m pytest
# The project is linked in place; its build tools are in every lock file.
LINK    := $(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
# What the two interpreters share.
PORTABLE_TESTS := tests/core tests/esp32 tests/hub

# What the interfaces of the radio promise, on every backend.
RADIO_CONTRACT := scanner central bonds

# Files whose long tests wait for so long that they run beside each other; all other long tests are one more part.
LONG_FILES := demo kills path scenarios technician
LONG_PARTS := $(LONG_FILES:%=long-%) long-rest
BESIDE     := MAKE=$(MAKE) tools/ci/beside

# Options of single targets: make demo ARGS="--seconds 30", make kills N=1000, make lock UPGRADE=--upgrade
ARGS    ?=
N       ?= 20
UPGRADE ?=

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment -----------------------------------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or later is needed, found $$($(PYTHON) --version 2>&1 | head -n 1)."; \
	  echo "      Install one and name it: make PYTHON=python3.11 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make virtual environments: its venv module is missing."; \
	  echo "      On Debian and its kin: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made requirements/demo.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/demo.lock
	$(LINK)
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(LINK)
	@touch $(VENV)/.demo $@

# Types of the board's modules stand beside the environment: within it they would shadow real packages.
$(VENV)/.stubs: $(VENV)/.made requirements/stubs.lock
	rm -rf $(VENV)/stubs
	$(PIP) install --require-hashes --no-deps --target $(VENV)/stubs -r requirements/stubs.lock
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev $(VENV)/.stubs ## make .venv with everything that development needs

.PHONY: setup-demo
setup-demo: $(VENV)/.demo ## make .venv with what the demo and the kit need

.PHONY: lock
lock: ## resolve the dependencies and write requirements/*.lock (UPGRADE=--upgrade: newest versions)
	PYTHON=$(PYTHON) tools/ci/lock $(UPGRADE)

# --- use -------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.demo ## watch a whole home on this machine, live (ARGS="--seconds 30 --json")
	@$(BIN)/trygg demo $(ARGS)

.PHONY: esp-demo
esp-demo: $(VENV)/.dev ## the board's firmware on real MicroPython, killed in the middle; brokers that it refuses (ARGS="--language en")
	@$(BIN)/python -m tools.rig.esp.demo $(ARGS)

.PHONY: technician
technician: $(VENV)/.dev ## a technician's day: keys, card, board, first boot, installation in Chromium, record, move (ARGS="--language en --pictures DIR")
	@$(BIN)/python -m tools.rig.technician $(ARGS)

.PHONY: firmware
firmware: $(VENV)/.dev ## compile the board's modules, print their sizes, write build/firmware.zip (ARGS="--march rv32imc")
	$(BIN)/python -m tools.firmware $(ARGS)

.PHONY: bench
bench: $(VENV)/.demo ## print speed and size, with their conditions
	$(BIN)/python -m tools.bench $(ARGS)

# Peers conflict with nothing of ours, and are nothing of ours: an environment of their own.
.venv-peers/.made: requirements/peers.lock
	$(PYTHON) -m venv --clear .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/peers.lock
	@touch $@

.PHONY: bench-peers
bench-peers: $(VENV)/.demo ## Trygg beside what a user would pick instead, in one run (ARGS=--quick)
	@$(MAKE) --no-print-directory .venv-peers/.made || echo "make: without .venv-peers what needs it is skipped"
	$(BIN)/python -m tools.bench.peers $(ARGS)

.PHONY: kills
kills: $(VENV)/.dev ## kill hub, broker and platform at random moments, N times
	$(BIN)/python -m tools.rig.kills --n $(N) $(ARGS)

.PHONY: evidence
evidence: $(VENV)/.dev ## run the figures of a release, as far as they are not done yet (ARGS="--only F1 --seconds 60")
	$(BIN)/python -m tools.evidence $(ARGS)

.PHONY: evidence-share
evidence-share: $(VENV)/.dev ## a small part of the figures, and of each its control
	$(BIN)/python -m tools.evidence --share

# --- checks ----------------------------------------------------------------------------------------------------

.PHONY: fmt
fmt: $(VENV)/.dev ## format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

.PHONY: lint
lint: $(VENV)/.dev ## style, likely bugs, formatting
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

.PHONY: types
types: $(VENV)/.dev $(VENV)/.stubs ## mypy strict; the board's side against its own stubs
	$(BIN)/mypy
	$(BIN)/basedpyright

.PHONY: arch
arch: $(VENV)/.dev ## import directions, portable subset, sizes of modules and functions
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.arch

.PHONY: test
test: $(VENV)/.dev ## all tests of a few seconds each
	$(PYTEST) -m "not long and not bluez and not wifi" $(ARGS)

.PHONY: mpy
mpy: $(VENV)/.dev ## the portable tests on real MicroPython, equal counts; compiled sizes
	$(BIN)/python -m tools.mpy --sizes $(PORTABLE_TESTS)

.PHONY: contract
contract: $(VENV)/.dev ## the promises of each interface, on every backend this machine has
	$(PYTEST) tests/contract $(ARGS)

.PHONY: radio
radio: $(VENV)/.dev ## the gateway's own Bluetooth code over a virtual radio, and on real BlueZ in a virtual machine
	@$(BIN)/python -m tools.rig.vm || echo "make: without a virtual machine, the tests on real BlueZ are skipped"
	$(PYTEST) tests/radio $(RADIO_CONTRACT:%=tests/contract/test_%.py) $(ARGS)

.PHONY: wifi
wifi: $(VENV)/.dev ## the access point of an installation on real NetworkManager and simulated radios, in a virtual machine of its own
	$(BIN)/python -m tools.rig.vm --kind wifi
	$(PYTEST) tests/wifi $(ARGS)

.PHONY: system
system: $(VENV)/.dev ## real processes, short and long
	$(PYTEST) tests/system $(ARGS)

.PHONY: long
long: $(VENV)/.dev ## the tests that take tens of seconds, and no others, beside each other
	+$(BESIDE) $(LONG_PARTS)

.PHONY: $(LONG_PARTS)
$(LONG_FILES:%=long-%): long-%: $(VENV)/.dev
	$(PYTEST) -m long tests/system/test_$*.py $(ARGS)

long-rest: $(VENV)/.dev
	$(PYTEST) -m long $(LONG_FILES:%=--ignore=tests/system/test_%.py) $(ARGS)

.PHONY: registry
registry: $(VENV)/.dev ## write the portable tables from gateway/core/registry.toml
	$(BIN)/python -m tools.registry

.PHONY: vectors
vectors: $(VENV)/.dev ## write our own golden vectors again
	$(BIN)/python -m tools.vectors

.PHONY: generated
generated: registry vectors ## write what is generated, and fail where it differs from what is committed
	$(BIN)/python -m tools.docs.faults
	@changed="$$(git status --porcelain -- gateway/core/registry.py gateway/core/registry_text.py tests/vectors docs/faults.md gateway/daemon/faults.toml)"; \
	if [ -n "$$changed" ]; then \
	  echo "make: generated files are not what is committed; look at the difference and commit it:"; \
	  echo "$$changed"; git --no-pager diff --stat -- gateway/core tests/vectors docs/faults.md gateway/daemon/faults.toml; exit 1; fi

.PHONY: package
package: $(VENV)/.dev ## build the wheel, install it as a gateway does, use it
	PYTHON=$(PYTHON) tools/ci/package

.PHONY: deb
deb: $(VENV)/.dev ## the gateway as a Debian package, of what is committed (ARGS="--wheelhouse DIR": with all wheels in it)
	$(BIN)/python -m tools.deb $(ARGS)

.PHONY: deb-check
deb-check: $(VENV)/.dev ## build the Debian package twice, install it in a Debian of its own, boot a card with it (root, mmdebstrap)
	PYTHON=$(PYTHON) tools/ci/deb

.PHONY: check
check: ## everything that needs no hardware, in under ten minutes
	+$(BESIDE) lint arch types
	+$(MAKE) --no-print-directory generated
	+$(BESIDE) --fill mpy --fill evidence-share $(LONG_PARTS) test

.PHONY: clean
clean: ## remove the environment and everything made
	rm -rf $(VENV) .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
