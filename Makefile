# Everything a developer types. `make` alone lists it. Each target does its own set-up.
PYTHON ?= python3
BIN := .venv/bin
# Locked with hashes and without an index address, so that any machine can use its own mirror.
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: help setup demo test check golden bench lock clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/dev.stamp  ## a virtual environment in .venv with the locked dependencies of development

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Abbey needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/demo.stamp: requirements/demo.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/demo.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch .venv/demo.stamp $@

demo: .venv/demo.stamp  ## the two-host lab on this machine: open the portal, kill a host, watch nothing happen
	@$(BIN)/abbey demo

test: .venv/dev.stamp  ## all tests; those whose real program is missing are skipped with the reason
	@$(BIN)/python -m pytest -n 2

check: .venv/dev.stamp  ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: .venv/dev.stamp  ## rewrite the golden trees, the JSON Schema and the pages of apps; read the diff
	$(BIN)/python -m pytest -q tests/render tests/spec tests/catalog --update-golden

.venv/bench.stamp: requirements/bench.lock | .venv/bin/python
	$(PYTHON) -m venv .venv/bench
	.venv/bench/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements/bench.lock
	@touch $@

bench: .venv/dev.stamp .venv/bench.stamp  ## the budgets of docs/architecture.md, measured
	@for b in bench/bench_*.py; do $(BIN)/python $$b || exit 1; done

lock: .venv/dev.stamp  ## renew the locks from pyproject.toml
	$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --all-extras requirements/build.in -o requirements/demo.lock
	$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --all-extras --group dev requirements/build.in -o requirements/dev.lock
	$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group bench -o requirements/bench.lock
	$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header images/metrics/requirements.in -o images/metrics/requirements.lock

clean:  ## remove what set-up and tests made here
	rm -rf .venv .lab .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
