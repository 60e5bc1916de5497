# headrace: `make help` lists the targets. Set-up is cached: a second `make` starts at once.
PY ?= python3
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := media,ocr,audio,hf,server,ray,dev
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# One thread and no spinning: several processes share the cores, and figures repeat.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest
# Test files are shared out among so many processes.
JOBS ?= 2

# Debian's: narration for tests of speech, and a browser for tests of the report.
TOOLS := espeak-ng chromium

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all soak lint bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make .venv and install headrace with its test tools

$(VENV)/.torch:
	$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headrace needs Python 3.11 or newer: make PY=python3.12")'
	$(PY) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) '$(TORCH)'
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(PIP) --editable '.[$(EXTRAS),docs]'
	@touch $@

$(VENV)/.tools: $(VENV)/.torch
	@for tool in $(TOOLS); do \
	  command -v $$tool >/dev/null && continue; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $$tool"; \
	    apt-get install -y -qq $$tool >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq $$tool >/dev/null; }; \
	  else \
	    echo "tests that need $$tool are skipped; to run them: sudo apt-get install $$tool"; \
	  fi; \
	done
	@touch $@

demo: setup ## watch the demo clip: report, timeline and answers in demo-out/
	$(ONE_THREAD) $(BIN)/headrace watch demo: --out demo-out

test: lint $(VENV)/.tools ## lint and the quick tests
	$(PYTEST) -q -n $(JOBS) --dist loadfile -m 'not slow and not soak and not gpu'

test-all: lint $(VENV)/.tools ## lint and every test but the soak
	HEADRACE_SUITE=whole $(PYTEST) -n $(JOBS) --dist loadfile -m 'not soak'

soak: setup ## endless streams at constant memory
	$(PYTEST) -m soak

bench: setup ## speed and quality beside peers and baselines (half an hour)
	$(ONE_THREAD) $(BIN)/python benchmarks/flow/run.py
	$(ONE_THREAD) $(BIN)/python benchmarks/flow/reference.py
	$(ONE_THREAD) $(BIN)/python benchmarks/decode/decode.py
	$(ONE_THREAD) $(BIN)/python -m benchmarks.watch.quality
	$(ONE_THREAD) $(BIN)/python -m benchmarks.state.run

lint: setup ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean: ## remove what make made
	rm -rf $(VENV) demo-out site build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
