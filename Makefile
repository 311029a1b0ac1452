# Every command that a person or the CI needs. Each uses the Python of the environment
# that is active, and installs only what is missing, so that it works offline too.
PYTHON ?= python

.PHONY: quickstart test check style documentation figures

quickstart:  ## Adapt MobileNetV2 to real CIFAR-10, in under 4 minutes on 2 cores.
	@$(PYTHON) -c "import cifarkit, tensorflow" 2>/dev/null || $(PYTHON) -m pip install -q -e .
	$(PYTHON) examples/quickstart.py --fast

test:  ## Run all tests.
	@$(PYTHON) -c "import cifarkit, tensorflow, pytest_timeout, hypothesis, matplotlib, mlflow, trustme, sybil, xdist, nbclient, ipykernel, yaml" 2>/dev/null || $(PYTHON) -m pip install -q -e '.[test]'
	$(PYTHON) -m pytest -q --durations 20 -m "not alone" --numprocesses 2 --dist loadfile
	$(PYTHON) -m pytest -q --durations 10 -m alone

check: style documentation figures  ## What the CI runs before the tests.

style:  ## Layout, lint, types.
	@$(PYTHON) -c "import ruff, mypy" 2>/dev/null || $(PYTHON) -m pip install -q -e '.[dev]'
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

documentation:  ## The site, with every link.
	@$(PYTHON) -c "import material, mkdocstrings" 2>/dev/null || $(PYTHON) -m pip install -q -e '.[dev]'
	$(PYTHON) -m mkdocs build --strict --quiet
	$(PYTHON) scripts/documented.py

figures:  ## Tables of the documentation, as the files of results have them.
	$(PYTHON) scripts/results --check
	$(PYTHON) scripts/ledger --check
