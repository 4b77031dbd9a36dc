# Needs Python 3.11+ with venv, and make. Everything else is fetched into .venv.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# uv then trusts the certificates that the system (and pip) trust.
export UV_SYSTEM_CERTS := 1
# Worker, beat and web start in one second instead of nine where Python may not cache by itself.
export UV_COMPILE_BYTECODE := 1
# Where it is set, pytest rewrites the asserts of all tests anew in every process of every run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all containers lint format mutants bench crash lock clean readers

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Wirecopy needs Python 3.11 or newer; set PYTHON=" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.8'
	@touch $@

.venv/run.stamp: .venv/uv.stamp requirements/run.txt pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

demo: .venv/run.stamp
	@$(BIN)/wirecopy demo

# Tests wait for processes a quarter of their time: three at once on two processors.
test: .venv/dev.stamp
	$(BIN)/python -m pytest -m 'not slow and not repeated' -n $$(($$(nproc) * 3 / 2)) --dist loadgroup

# The rest: crashes, whole programs, sizes, every property of hypothesis with six times the examples,
# and on PostgreSQL what the others run on SQLite.
test-all: .venv/dev.stamp
	$(BIN)/python -m pytest -m 'slow or repeated or hypothesis' --hypothesis-profile thorough -n $$(($$(nproc) * 3 / 2)) --dist worksteal

# Readers of npm, and the shapes of schema.org, for the tests that read feeds and pages with them.
readers:
	npm install --no-fund --no-audit --prefix .readers rss-parser@3 feedparser@2 schema-dts@2

# Builds the image and runs compose.yaml in earnest; needs Docker Engine with Compose 2.
containers: .venv/dev.stamp
	$(BIN)/python -m tests.containers

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/vulture

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Thousands of published feeds, altered: what both verifiers say of them, by class.
mutants: .venv/dev.stamp
	$(BIN)/python -m tests.wirecopy.trial $(MUTANTS)

bench: .venv/dev.stamp
	$(BIN)/python -m bench

crash: .venv/dev.stamp
	$(BIN)/python -m tests.crash $(CRASH)

lock: .venv/uv.stamp
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/run.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --group dev --group bench -c requirements/run.txt pyproject.toml -o requirements/dev.txt

clean:
	rm -rf .venv build dist *.egg-info
