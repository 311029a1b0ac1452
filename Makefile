# Every command that a person or the CI needs. Each uses the Python of the environment
# that is active, and installs only what is missing, so that it works offline too.
PYTHON ?= python

.PHONY: quickstart test check docs

quickstart:  ## Adapt MobileNetV2 to real CIFAR-10, in under 4 minutes on 2 cores.
	@$(PYTHON) -c "import cifarkit, tensorflow" 2>/dev/null || $(PYTHON) -m pip install -q -e .
	$(PYTHON) examples/quickstart.py --fast

test:  ## Run all tests.
	@$(PYTHON) -c "import cifarkit, tensorflow, pytest_timeout, hypothesis, matplotlib, mlflow, trustme" 2>/dev/null || $(PYTHON) -m pip install -q -e '.[test]'
	$(PYTHON) -m pytest -q

check:  ## What the CI runs before the tests: style, types, documentation.
	@$(PYTHON) -c "import ruff, mypy, material, mkdocstrings" 2>/dev/null || $(PYTHON) -m pip install -q -e '.[dev]'
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mkdocs build --strict --quiet
