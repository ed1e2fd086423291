# Poolhouse's commands, a line or so each; `make` alone explains them. Needed: make and Python 3.11 or newer.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
WRITERS := $(wildcard tools/*.py)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links
MYPY_PATHS := $(wildcard clients/python/poolhouse_client)

.DEFAULT_GOAL := help
.PHONY: help run test lint check types format bench docs example lock clean
.SUFFIXES:

help:  ## explain these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: .venv/.runtime  ## serve a demo pool at http://localhost:8080, data under data/ (TLS=1: https)
	@$(BIN)/poolhouse demo $(if $(TLS),--tls)

test: .venv/.dev .venv/.interop  ## all tests, on SQLite and PostgreSQL (T="tests/rules -k totp": only some)
	@$(PY) -m pytest $(if $(T),$(T),-n auto --dist loadfile)

lint: .venv/.dev  ## style: ruff's rules and format
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .

types: .venv/.dev  ## types: mypy, strict
	@$(BIN)/mypy
	@$(if $(MYPY_PATHS),$(BIN)/mypy $(MYPY_PATHS))

check: lint types  ## lint, types, import contracts, generated files current
	@$(BIN)/lint-imports --no-logo
	@for writer in $(WRITERS); do $(PY) $$writer --check || exit 1; done

format: .venv/.dev  ## rewrite the code in the house's format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

docs: .venv/.dev  ## write the generated files: reference pages, service models, newest migration
	@for writer in $(WRITERS); do $(PY) $$writer || exit 1; done

bench: .venv/.dev  ## measure this machine: requests a second, latencies, statements, memory
	@$(PY) -m bench

example: .venv/.runtime  ## the demo server with a web app, an API and a photo store that use it
	@$(PY) -m clients.examples

lock: .venv/.dev  ## choose dependencies anew within pyproject.toml (U=name: upgrade one; U=all: every one)
	$(LOCK) $(UP) --extra postgres --extra fast --extra gunicorn pyproject.toml -o requirements/runtime.txt
	$(LOCK) $(UP) --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	$(LOCK) $(UP) requirements/build.in -o requirements/build.txt
UP = $(if $(filter all,$(U)),--upgrade,$(if $(U),--upgrade-package $(U)))

clean:  ## remove the environment and all caches; data/ stays
	rm -rf .venv tests/interop/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find server clients tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- What the commands stand on: files that say that something was done, so that it is done once ----------------------

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with its venv module, is needed (on Debian: python3-venv)."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(PY)
	@echo "Installing what the server needs (once) ..."
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	@echo "Installing what tests and checks need (once) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Programs under Node.js that the tests drive. Without Node.js those tests are skipped and say so.
.venv/.interop: $(wildcard tests/interop/package-lock.json) | $(PY)
	@if test -f tests/interop/package-lock.json && command -v npm >/dev/null; then \
		npm ci --prefix tests/interop --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error; fi
	@touch $@
