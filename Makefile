.PHONY: install test lint format bench bench-quick docs

PYTHON ?= python

install:
	$(PYTHON) -m pip install -e '.[dev]'

# The manifests for Kubernetes are checked by tests/test_kubernetes.py, which calls kubernetes-validate
# from Python: its command (1.37.0) prints a warning for a kind that it does not know, such as a
# misspelt one, and ends with code 0 even with --strict. The call raises an exception.
test:
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy --platform win32 --cache-dir .mypy_cache/win32 lstm_sentiment cli.py
	$(PYTHON) -m mypy --platform darwin --cache-dir .mypy_cache/darwin lstm_sentiment cli.py
	lint-imports

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# On a virtual machine that hides it: make bench CORES=1, where its CPUs are threads of one core.
bench:
	$(PYTHON) -m benchmarks.suite --output benchmarks/results.jsonl $(if $(CORES),--cores $(CORES))
	$(PYTHON) -m benchmarks.table benchmarks/results.jsonl --write README.md --write README.zh-CN.md

bench-quick:
	$(PYTHON) -m benchmarks.suite --quick

# Ends with an error where a link, an anchor or a name leads nowhere.
docs:
	$(PYTHON) docs/make_reference.py
	$(PYTHON) docs/make_site.py
