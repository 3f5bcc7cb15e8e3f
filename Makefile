# One command each; CI runs the same targets. `make demo` and `make test` do all set-up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
# The program itself: the script of its npm package ends with 0 whatever the tests said.
FORGE = $(shell ls $(CURDIR)/node_modules/@foundry-rs/forge-*/bin/forge)
# Of pytest; one more than two cores have, as whole marketplaces wait for their deadlines a part of the time.
WORKERS ?= 3
# Node and Go from PyPI wheels serve where the machine has none.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH):$(CURDIR)/.venv-tools/bin
export PYTHONHASHSEED := 0
# Many short processes: their own bytecode is kept too, also where the environment asks not to.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup compiled check format contracts campaign kubo test unit demo deep coverage robustness security mutants checkmutants artifacts snapshots lock clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup:           ## everything that is missing, in .venv and node_modules
	@$(PYTHON) tools/setup.py

demo: setup      ## a whole marketplace, live: `make demo ARGS="--rounds 4 --seed 1"`
	@$(BIN)/fairtrain demo $(ARGS)

check: setup     ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd contracts && $(FORGE) fmt --check

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd contracts && $(FORGE) fmt

compiled: setup  ## Foundry: sources and tests; a first `forge test` of some paths alone does not find what it compiled
	@cd contracts && $(FORGE) build --quiet

contracts: compiled ## Foundry: unit and fuzz tests
	cd contracts && $(FORGE) test --no-match-path 'test/invariant/*'

campaign: compiled ## Foundry: all invariants after every step of long random play
	cd contracts && $(FORGE) test --match-path 'test/invariant/*'

kubo: setup      ## the pinned Kubo, built once and cached (tests use it)
	@$(BIN)/python tools/kubo/build.py || test -z "$$CI"

unit: setup      ## pytest alone: `make unit ARGS="tests/market -k seal"`
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test:            ## all of it, as CI runs it
	@$(MAKE) --no-print-directory -j 2 check contracts kubo
	@$(MAKE) --no-print-directory -j 2 campaign unit

deep: compiled   ## long fuzzing (not part of `make test`), figures to contracts/test/deep.json: `make deep ARGS=results`
	@$(BIN)/python tools/deep.py $(ARGS)

coverage: setup  ## lines and branches of escrow, payout and refutation code that the Foundry tests reach
	@$(BIN)/python tools/coverage.py

robustness: setup  ## rules against attacks, ByzFL's beside ours, goes on where it stopped: `make robustness ARGS="--sample 300"`
	@nice -n 19 $(BIN)/python tools/robustness.py $(ARGS)

security: setup  ## Slither and Halmos, in .venv-security; writes contracts/test/symbolic/report.json
	@$(BIN)/python tools/security.py

mutants: setup   ## mutation testing of the contracts, goes on where it stopped: `make mutants ARGS="--count 50"`
	@nice -n 19 $(BIN)/python tools/mutants.py $(or $(ARGS),--count 20) --report

checkmutants: setup ## the same of the checks of numbers, against Python: `make checkmutants ARGS="--count 50"`
	@nice -n 19 $(BIN)/python tools/check_mutants.py $(or $(ARGS),--count 20) --report

artifacts: setup ## recompiles the committed contract artifacts
	$(BIN)/python -m market.chain.compile

snapshots: compiled ## gas and sizes as they are now, to contracts/snapshots
	cd contracts && UPDATE_SNAPSHOTS=true $(FORGE) test --match-contract 'Gas|Size'

lock: setup      ## renews the lock files from pyproject.toml, tools/*.in and package.json
	$(BIN)/uv pip compile --upgrade --generate-hashes --extra trainer --extra dev --python-version 3.11 -o requirements.lock pyproject.toml
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf build contracts/out contracts/cache .pytest_cache .mypy_cache .ruff_cache
