# A fresh machine needs Python 3.11 or newer (with venv) and make; everything else is installed into $(VENV).

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=
IMAGES ?=
OUT ?= demo

BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev test test-slow demo lint format benchmarks clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PYTHON=python3.12   the Python to start from       VENV=.venv   where everything is installed"
	@echo "  IMAGES=folder       pictures of your own for demo  OUT=demo     where the demo is written"
	@echo "  JOBS=2              processes that test            ARGS=...     further words for pytest"

setup: $(VENV)/.installed  ## Install the package with what its tests need.

setup-dev: $(VENV)/.installed-dev  ## Install the tools for linting too.

test: $(VENV)/.installed  ## Run the tests.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow" $(ARGS)

test-slow: $(VENV)/.installed  ## Run the tests that take minutes.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m slow $(ARGS)

demo: $(VENV)/.installed  ## Invert, discover and edit with the bundled generator; writes demo/index.html.
	$(BIN)/python -m jaxgan.cli.main demo $(if $(IMAGES),--images "$(IMAGES)") --out "$(OUT)"

lint: $(VENV)/.installed-dev  ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(VENV)/.installed-dev  ## Bring all files into format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(VENV)/.installed  ## Measure every claim of speed; one line of JSON each.
	@for file in benchmarks/[a-z]*.py; do echo "$$file" >&2; $(BIN)/python "$$file" || exit 1; done

clean:  ## Remove the environment and everything that can be made again.
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache build dist *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; say make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
