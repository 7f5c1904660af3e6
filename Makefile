# `make` alone lists the targets. Everything runs from .venv, which is rebuilt when a lock file changes.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq
N      ?= 20

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment -----------------------------------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or later is needed, found $$($(PYTHON) --version 2>&1). Set PYTHON=python3.11 or newer."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) has no venv module. On Debian: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Dependencies come from a lock file with hashes; the project itself is linked in place.
$(VENV)/.demo: $(VENV)/.made requirements/demo.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/demo.lock
	$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@ $(VENV)/.demo

.PHONY: setup
setup: $(VENV)/.dev ## make .venv with everything that development needs

.PHONY: setup-demo
setup-demo: $(VENV)/.demo ## make .venv with what the demo and the kit need

.PHONY: lock
lock: ## resolve the dependencies again and write requirements/*.lock
	tools/ci/lock
