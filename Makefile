# `make run` is the whole chain, `make test` the whole test suite, `make fuzz` five minutes of hostile
# input for every reader (more with `make fuzz EXAMPLES=9000`).
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export GX_ANALYTICS_ENABLED := false

EXAMPLES ?= 1000

.PHONY: run test fuzz lint install install-test clean

run: install
	dvc repro
	@stemma status --next

test: install-test
	pytest -n 2 --dist loadfile --no-loadscope-reorder

fuzz: install-test
	STEMMA_FUZZ_EXAMPLES=$(EXAMPLES) pytest -n 2 --timeout 0 tests/fuzz

lint: install-test
	ruff check .
	ruff format --check .
	mypy
	lint-imports

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[local-llm,text]"
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build dvc_plots
