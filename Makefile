# Every target does its own set-up; `make recommend` and `make test` work in a bare clone.
PYTHON ?= python3
BIN := .venv/bin
SAMPLE := build/sample

.PHONY: setup sample recommend test check format docs clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mixwright needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

sample: setup
	$(BIN)/mixwright sample $(SAMPLE)

recommend: sample
	$(BIN)/recommend-mix experiments/sample.yaml

test: sample
	$(BIN)/python -m pytest

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
