# Each target sets up what it needs in .venv, again only when pyproject.toml or constraints.txt changes.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo
# BLAS threads of parallel test processes would fight over the cores
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

.PHONY: demo test slow lint
.DEFAULT_GOAL := test

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e '.[bert,explain,export,test,dev]'
	touch $@

demo: .venv/installed  ## the embedded genomes, pretrained, mapped, explained: runs/demo
	$(BIN)/dnabert prepare --demo --out $(DEMO)/corpus --overwrite
	$(BIN)/accelerate launch --quiet --config_file configs/accelerate/one_process.yaml train/pretrain.py --config configs/pretrain/demo.yaml --corpus $(DEMO)/corpus --out $(DEMO)/run --overwrite
	$(BIN)/python eval/compare.py --config configs/compare/demo.yaml --corpus $(DEMO)/corpus --run $(DEMO)/run --out $(DEMO)/comparison

test: .venv/installed
	$(PYTEST) -m 'not slow'

slow: .venv/installed
	$(PYTEST) -m slow

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
