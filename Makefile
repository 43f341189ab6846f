# Two commands: `make demo` and `make test`. Both need Python (3.10 to 3.13) and git, nothing else.
PYTHON ?= python3
VENV ?= .venv
# A company's own certificate authority is in the system's store.
export UV_SYSTEM_CERTS := 1
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check fast slow lint bench install lock clean

help:
	@echo "make demo   a pipeline fails, and about two minutes later a proved draft pull request stands"
	@echo "make test   everything that CI runs"
	@echo "make fast   linters, types, import contracts, unit and contract tests (under a minute)"
	@echo "make bench  the benchmarks of benchmarks/"

$(VENV)/.installed: pyproject.toml requirements.lock
	@echo "Installing into $(VENV) (about a minute on a fresh machine) ..."
	@$(PYTHON) -c 'import sys; assert (3, 10) <= sys.version_info[:2] <= (3, 13), "Python 3.10 to 3.13 is needed, this is %d.%d: set PYTHON=" % sys.version_info[:2]'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

install: $(VENV)/.installed

demo: install
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m airflow_agentic.demo

test: lint fast slow

check: test

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy airflow_agentic
	$(BIN)/lint-imports

fast: install
	$(BIN)/python -m pytest tests/unit tests/contracts -q -n 2 -m "not e2e and not integration"

slow: install
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest tests -q -m "e2e or integration" --durations=15

bench: install
	for file in benchmarks/bench_*.py; do PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python $$file; done

# By hand after a change of dependencies: as a rule of its file it would also run on a clone whose times differ.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group test --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .demo
