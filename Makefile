# Every target does its own set-up; `make recommend` and `make test` work in a bare clone.
PYTHON ?= python3
PYTHON312 ?= python3.12
BIN := .venv/bin
SAMPLE := build/sample

SLURM := PATH=$$PATH:/usr/sbin:/sbin command -v slurmctld >/dev/null

PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: setup demo sample cluster slurm recommend test test-fast test-trainers check format docs clean

setup: .venv/ready

# What a recommendation from scores needs; neither torch nor the tests' tools, which are most of the disk.
.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mixwright needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/ready: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# A first result in a minute: nothing to download, nothing to train.
demo: .venv/core
	$(BIN)/mixwright demo

sample: setup
	$(BIN)/mixwright sample $(SAMPLE)

recommend: sample
	$(BIN)/recommend-mix experiments/sample.yaml

# Prefect's server, pool and worker on loopback, with the sample's flows deployed: a page to click on.
cluster: sample
	$(BIN)/python -m flows.deploy.cluster experiments/sample.yaml

# A real Slurm for its tests, which are skipped where it cannot be installed.
slurm:
	@$(SLURM) || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  mkdir -p build; export DEBIAN_FRONTEND=noninteractive; \
	  (apt-get update && apt-get install -y --no-install-recommends slurmctld slurmd) >build/slurm.log 2>&1; fi; \
	$(SLURM) || echo "slurm: needs root and apt-get (or see build/slurm.log); its tests will be skipped"

test: sample slurm
	$(PYTEST)

# Tests that need neither the sample, nor a command, nor a cluster: a minute or so.
test-fast: setup
	$(PYTEST) -m "not coverage and not sample and not cli and not cluster and not gpu and not trainers"

# Trainers' own readers, in environments of their own: torch as usual, of all others only what is listed.
.venv/trainers/ready: constraints-trainers.txt .venv/ready
	$(PYTHON) -m venv .venv/trainers
	.venv/trainers/bin/python -m pip install --quiet --disable-pip-version-check -c $< torch
	.venv/trainers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

.venv/levanter/ready: constraints-levanter.txt .venv/ready
	@if $(PYTHON312) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then \
	  $(PYTHON312) -m venv .venv/levanter && .venv/levanter/bin/python -m pip install --quiet \
	    --disable-pip-version-check --no-deps -r $<; \
	else mkdir -p .venv/levanter; echo "levanter: needs $(PYTHON312); its test will be skipped"; fi
	@touch $@

# Every export, read by the trainer that it is for. Beside other work on two cores: two minutes to install, two to run.
test-trainers: sample .venv/trainers/ready .venv/levanter/ready
	$(BIN)/python -m pytest tests/trainers

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup
	$(BIN)/python docs/generate.py

clean:
	rm -rf build .venv
