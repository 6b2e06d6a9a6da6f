# Two commands are all the set-up there is: `make serve` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: serve test bench clean

serve: $(VENV)/installed
	$(BIN)/cds-service serve --host $(HOST) --port $(PORT)

# What covers every branch of the facts and the knowledge by itself; the rest runs without being traced, which is twice as fast.
COVERING := $(wildcard tests/test_judgements*.py tests/test_knowledge*.py tests/test_patient*.py tests/test_questions*.py) \
	tests/test_orders.py tests/test_parameters.py tests/test_units.py tests/test_valuesets.py
REST := $(filter-out $(COVERING),$(wildcard tests/test_*.py))
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

test: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) --cov --cov-report= $(COVERING)
	$(BIN)/python -m coverage report --fail-under=100 --show-missing --skip-covered
	$(PYTEST) $(REST)

bench: $(VENV)/tested
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench --scaling

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage
