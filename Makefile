# mixbook: `make book` builds the book, `make test` checks everything. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help book test serve chapter bench format clean

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
PAGE := _build/html/index.html
PORT ?= 8000

# One thread a process: small torch loops on a few busy cores are far slower with more.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export PYTHONNOUSERSITE := 1
ifneq ($(wildcard ../shared/data),)
export MIXBOOK_DATA_DIR ?= $(abspath ../shared/data)
endif

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(READY): pyproject.toml constraints.txt scripts/make_venv.sh
	@bash scripts/make_venv.sh $(VENV)
	@touch $(READY)

book: $(READY)  ## build the book from the committed outputs
	@$(BIN)/jupyter-book build . -n -W --keep-going
	@echo; echo "The book is ready. Open this page:  $(CURDIR)/$(PAGE)"

test: $(READY)  ## everything that must hold
	@bash scripts/test.sh $(BIN)

serve: book  ## build the book and serve it (PORT=8000)
	@echo "Serving on http://localhost:$(PORT) (stop with Ctrl-C)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

chapter: $(READY)  ## run one chapter again and store its outputs: make chapter C=commuters
	@test -n "$(C)" || { echo "Say which chapter: make chapter C=<slug>. The slugs: mixbook list"; exit 2; }
	@$(BIN)/mixbook run $(C) --save --force
	@$(BIN)/mixbook check $(C)

bench: $(READY)  ## races against library peers, growth curves
	@$(BIN)/python -m pytest benchmarks -s --benchmark-only --benchmark-columns=min,median,rounds

format: $(READY)  ## format the code and fix what the linter can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## remove everything that was made, the environment included
	@rm -rf $(VENV) _build _runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.benchmarks .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
