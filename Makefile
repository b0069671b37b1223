# `make run` is the whole chain. `make test` is the test suite for every day, `make test-all` the whole
# one: with other clients' own suites, simulations, benchmarks and every kill. `make test-rest` is what
# `make test` leaves out. `make fuzz` is five minutes of hostile input for every reader (more with
# `make fuzz EXAMPLES=9000`).
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export GX_ANALYTICS_ENABLED := false

EXAMPLES ?= 1000

# The markers of pyproject.toml whose tests `make test` leaves out.
TIERS := bench or foreign or kill or simulation or slow
# More workers than cores: a test that waits for a program or a moment leaves its core to another. One
# fewer where many tests start programs that fill a core themselves. They are forks of one process that
# has imported what tests import (tests/programs.py).
WORKERS = -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder --forked-workers
AT_ONCE := 3
test: AT_ONCE := 4
# A worker fills a core; threads of its models would only wait for each other.
test test-all test-rest: export OMP_NUM_THREADS := 1
# Tests start many processes of the same code: it is compiled once, whatever the environment says.
test test-all test-rest: export PYTHONDONTWRITEBYTECODE :=
# What tests write lies in memory where there is room for it (4 GB that may hold programs). A disk
# makes each commit of a lake wait, and what that is for, a loss of power, no test can bring about.
ROOM := import os; at = os.statvfs("/dev/shm"); \
  print(at.f_bavail * at.f_frsize >> 32 if not at.f_flag & os.ST_NOEXEC else 0)
ifndef TMPDIR
ifneq ($(filter-out 0,$(shell $(PYTHON) -c '$(ROOM)' 2> /dev/null)),)
test test-all test-rest: export TMPDIR := /dev/shm
endif
endif

.PHONY: run test test-all test-rest test-lakefs fuzz lint docs docs-images docs-outputs dist install install-test clean

run: install
	dvc repro
	@stemma status --next

test: install-test
	pytest $(WORKERS) -m "not ($(TIERS))"

test-all: install-test
	pytest $(WORKERS)

test-rest: install-test
	pytest $(WORKERS) -m "$(TIERS)"

# Asks the server that LAKECTL_SERVER_ENDPOINT_URL and its keys name what any lakeFS answers.
test-lakefs: install-test
	pytest --lakefs -m contract tests/lake

fuzz: install-test
	STEMMA_FUZZ_EXAMPLES=$(EXAMPLES) pytest -n 2 --timeout 0 tests/fuzz

lint: install-test
	ruff check .
	ruff format --check .
	mypy
	lint-imports

# The site: pages of docs/ and a reference that is read from the code. A warning is an error.
docs: install-test
	python -m docs.site build/docs
	zensical build --strict --clean

# Pictures of the page in README and docs, from a project that was run and has a blocked round.
PROJECT ?= .
docs-images: install-test
	python -m docs.site.pictures $(PROJECT)

# What pages show of a project that was run, anew, from the run in PROJECT. RUN names what it holds:
# `digits`, `all` or `six` (SHIPPED of tests/docs/blocks.py).
RUN ?= digits
docs-outputs: install-test
	python -m tests.docs.outputs $(RUN) $(PROJECT)

# What is released: source and wheel, checked for their descriptions and for files that they lack.
dist: install-test
	rm -rf build/dist
	python -m build --outdir build/dist .
	twine check --strict build/dist/*
	check-wheel-contents build/dist/*.whl

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[local-llm,text]"
	touch $@

# All at once: pip takes half a minute to see what is there already.
$(VENV)/.installed-test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dist,docs,local-llm,text,test]"
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) build dvc_plots
