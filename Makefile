# Everything a person does with this repository. `make` alone lists it.
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CONSTRAINTS ?= constraints.txt
TEST_ARGS ?= -n auto
BENCH ?= server

.PHONY: help serve test test-fast check format bench mutate contract documents docs build clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Duologue needs Python 3.11 or newer; say which with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@

serve: $(STAMP) ## Serve the mock backend on ports 3001 and 3002 (options: ARGS='--port 0 …').
	@exec $(BIN)/duologue serve $(ARGS)

test: $(STAMP) ## Run all tests (options: TEST_ARGS='-x -k users').
	$(BIN)/python -m pytest $(TEST_ARGS)

test-fast: $(STAMP) ## Run the tests that take little time: about a minute on two idle cores.
	$(BIN)/python -m pytest -m 'not slow and not node' $(TEST_ARGS)

check: $(STAMP) ## Check formatting, lint and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## Format the code and mend what lint can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure beside peers, in one run: BENCH=server, client, query, realtime, control, fuzz or planted (options: BENCH_ARGS='--help').
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[bench]'
	$(BIN)/python -m benchmarks.$(BENCH) $(BENCH_ARGS)

mutate: $(STAMP) ## Change the code and see whether a test fails, where a mistake hurts most (options: MUTATE='retry query:cache').
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[mutation]'
	$(BIN)/python -m benchmarks.mutation $(MUTATE)

contract: $(STAMP) ## Judge a server by the contract: make contract URL=http://localhost:3001 (options: CHECK_ARGS='--only users').
	@test -n "$(URL)" || { echo "Say which server: make contract URL=http://localhost:3001"; exit 2; }
	@$(BIN)/duologue check $(URL) $(CHECK_ARGS)

documents: $(STAMP) ## Write the copies of the OpenAPI and AsyncAPI documents in fixtures/ anew.
	$(BIN)/python -m tests.documents.copies

docs: $(STAMP) ## Build the documentation into site/, and check it: open site/index.html.
	$(BIN)/zensical build --clean --strict

build: $(STAMP) ## Build the wheel and the source archive into dist/.
	$(BIN)/python -m build

clean: ## Remove the environment and everything that was built.
	rm -rf $(VENV) build dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info tests/documents/node_modules tests/conformance/reports/browser/node_modules tests/frontend/node_modules tests/recipes/node_modules tests/query/differential/node_modules tests/wiremock/node_modules
