# Two commands for a stranger: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_CORE := $(VENV)/.ready-core
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e
FUZZ_SECONDS ?= 600
FUZZ_MUTATIONS ?= 2000

# What `make test-quick` runs: folders and files that train next to nothing.
QUICK := tests/encoding tests/evaluation tests/render tests/store/test_manifest.py tests/store/test_directory.py \
	tests/eventlog/test_split.py tests/lifecycle/test_model.py tests/cli/test_help.py tests/cli/test_docs.py \
	tests/test_dependencies.py tests/test_json_readers.py tests/test_layers.py tests/test_public_names.py \
	tests/test_registry.py tests/test_seams.py tests/test_system.py tests/test_words.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick lint fuzz fuzz-models fuzz-logs soak bench sample-logs cards docs wheel clean

help:  ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[all,test]'
	@touch $@ $(READY_CORE)

$(READY_CORE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[boost]'
	@touch $@

setup: $(READY)  ## make the virtual environment with everything in it, at pinned versions

demo: $(READY_CORE)  ## a first look: installs little, then answers three questions about the sample log
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_logs/demo.sh

lint: $(READY)  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-quick: $(READY)  ## a minute: tests of the quick folders and files, those marked slow left out
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow' $(QUICK)

test: lint  ## lint, types and the whole test suite; what the machine lacks is skipped and named
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -rs

fuzz: fuzz-models fuzz-logs  ## both of these

fuzz-models: $(READY)  ## change every algorithm's model 2,000 times, then fuzz the parsers (FUZZ_SECONDS=600)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	nice -n 19 $(BIN)/python tests/fuzz/mutate_models.py $(FUZZ_MUTATIONS)
	PMLCLI_MUTATIONS=$(FUZZ_MUTATIONS) nice -n 19 $(BIN)/python -m pytest tests/hostile/test_joblib.py tests/hostile/test_xgboost.py
	nice -n 19 $(BIN)/python tests/fuzz/fuzz_models.py $(FUZZ_SECONDS)

fuzz-logs: $(READY)  ## feed each reader hostile files for ten minutes (FUZZ_SECONDS=600); needs atheris
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	nice -n 19 $(BIN)/python tests/fuzz/fuzz_readers.py $(FUZZ_SECONDS)

soak: $(READY)  ## a minute of writers, killed writers and readers; every algorithm verified up to retrain
	PMLCLI_SOAK_SECONDS=60 $(BIN)/python -m pytest tests/store/test_faults.py
	$(BIN)/python tests/soak/verify_all.py

bench: $(READY)  ## the benchmarks that need no log of yours
	$(BIN)/python benchmarks/encoding.py

sample-logs: $(READY)  ## make the sample logs again (the same bytes)
	$(BIN)/python sample_logs/generate.py

cards: $(READY)  ## write the algorithms' cards again from their classes
	$(BIN)/python tools/cards.py

docs: $(READY)  ## rebuild the pages that are made from the code
	$(BIN)/python docs/build.py

wheel: $(READY)  ## build the wheel and the source distribution
	$(BIN)/python -m build

clean:  ## remove the environment, caches and demo output
	rm -rf $(VENV) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
