# Every target sets itself up: it needs make and a Python >= 3.10, and fetches the rest into this folder.
#   make test PYTHON=3.10                  the same with another Python, in an environment of its own
#   make test ARGS='-k lease'              pytest's own options
#   make demo ARGS='--ledger firestore'    the demo on the Firestore emulator; ARGS=--help: its options

PYTHON :=
ARGS :=
# Of pytest-xdist: as many as there are cores, few enough for a laptop and for one Firestore emulator.
WORKERS := auto --maxprocesses=4

VENV := .venv$(if $(PYTHON),-$(PYTHON))
BIN := $(VENV)/bin
RUN := $(BIN)/python
READY := $(VENV)/.ready
DIST := dist
TYPED := taskhandler $(wildcard tests examples benchmarks docs/conf.py)

UV := UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=$(VENV) .ci/uv
# An environment that is there keeps its Python.
SYNC = python=$$(test -x $(RUN) && echo $(RUN) || .ci/python $(PYTHON)) && \
	$(UV) sync --quiet --frozen --all-extras --python "$$python"

# The environment is the project's own, so uv must not see the user's.
unexport VIRTUAL_ENV
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------- first look

.PHONY: demo test
demo: $(READY) ## show it at work: an app, a queue that misbehaves, and a verdict
	@$(RUN) -m examples.demo $(ARGS)

test: $(READY) ## run all tests
	@$(RUN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

# ---------------------------------------------------------------- before a change is done

.PHONY: gate check lint types imports deps spelling shape lock workflows wheel coverage matrix
gate: ## run what the CI runs: check, coverage, docs, test
	@.ci/run $(PYTHON)

check: lint types imports deps spelling shape lock workflows wheel ## check everything that can be checked without running the code

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: $(READY)
	@$(BIN)/mypy $(TYPED)

imports: $(READY)
	@$(BIN)/lint-imports --no-logo --no-cache

deps: $(READY)
	@$(BIN)/deptry .

spelling: $(READY)
	@$(BIN)/codespell

shape: $(READY)
	@$(RUN) -m pytest -q tests/test_shape.py tests/test_packaging.py

lock: $(READY)
	@$(UV) lock --check --quiet || { echo "uv.lock is behind pyproject.toml: run 'uv lock'"; exit 1; }

workflows: $(READY)
	@$(BIN)/zizmor --offline --quiet .github

wheel: $(READY) ## build the wheel, inspect it, and import it in an empty environment
	@rm -rf $(DIST) && $(UV) build --quiet --wheel --out-dir $(DIST) --python $(RUN)
	@$(BIN)/check-wheel-contents $(DIST)
	@$(UV) run --quiet --isolated --no-project --python $(RUN) --with $(DIST)/*.whl python -I -c 'import taskhandler'

coverage: $(READY) ## check that its own tests reach every branch of each pure file
	@$(RUN) -m tests.pure_coverage

matrix: ## run all tests on every supported Python that is installed
	@failed=; for version in 3.10 3.11 3.12 3.13; do \
		if .ci/python $$version >/dev/null 2>&1; then \
			echo "==> Python $$version"; $(MAKE) test PYTHON=$$version || failed="$$failed $$version"; \
		else echo "==> Python $$version is not installed"; fi; \
	done; test -z "$$failed" || { echo "failed on:$$failed"; exit 1; }

# ---------------------------------------------------------------- longer campaigns

BENCHMARKS := $(filter-out __init__,$(basename $(notdir $(wildcard benchmarks/*.py))))

.PHONY: servers bench explore faults soak mutants
servers: $(VENV)/.ready-servers ## run the tests of the border under every server
	@BORDER_SERVERS=every $(RUN) -m pytest -n $(WORKERS) --dist loadgroup tests/border tests/ledger/test_heartbeat_threads.py $(ARGS)

bench: $(READY) ## measure the budgets as ratios
	@for name in $(BENCHMARKS); do echo "==> $$name"; $(RUN) -m benchmarks.$$name || exit 1; done

explore: $(READY) ## explore every order of events, for longer than the tests do
	@$(RUN) -m tests.exploration $(ARGS)

faults: $(READY) ## play every known fault on every ledger, then weaken the product and see it fail
	@GRPC_VERBOSITY=none $(RUN) -m tests.faults --ledger both $(ARGS)
	@$(if $(ARGS),:,GRPC_VERBOSITY=none $(RUN) -m tests.faults --ledger both --sabotage all)

soak: $(READY) ## run thousands of tasks under random faults
	@GRPC_VERBOSITY=none $(RUN) -m tests.faults.soak $(ARGS)

mutants: $(VENV)/.ready-mutants ## mutate the pure files, and list the mutants that their tests do not notice
	@$(RUN) -m tests.pure > setup.cfg
	@$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results

# ---------------------------------------------------------------- the rest

.PHONY: docs clean
docs: $(VENV)/.ready-docs ## build the documentation into docs/_build
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build

clean: ## remove everything that these targets make
	@rm -rf .venv .venv-3.* .uv dist build mutants setup.cfg docs/_build .*_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml uv.lock
	@$(SYNC)
	@touch $@

$(VENV)/.ready-%: $(READY)
	@$(SYNC) --inexact --group $*
	@touch $@
