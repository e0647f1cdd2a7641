# `make check` is what CI requires, `make contracts` the full matrices of the contract suites;
# `make fix` repairs what a tool can repair.
PYTHON ?= python
SOURCES = energy_sweep hydra_plugins tests benchmarks scripts

# `make chaos` causes every kind of fault on purpose, SEED=0, in some 15 minutes on two cores.
# `make places` does the main job and the quick tests in every place where it may be installed.
# `make evening` types docs/evening.md, from a sweep to a deployed model, and writes what it printed.
.PHONY: check quick audit chaos contracts evening places fix lint types contracts-of-imports test

# What needs one core each runs side by side, before the tests, which take both.
check:
	$(MAKE) -j 2 types audit contracts-of-imports lint
	$(MAKE) test

# Lint, types, import contracts, and the tests nearest to what changed since main, but for slow ones:
# in two minutes. Exit 5 is pytest's for none.
quick: lint types contracts-of-imports
	files=$$($(PYTHON) scripts/changed_tests.py); [ -z "$$files" ] || \
	$(PYTHON) -m pytest -n 2 --dist worksteal -m 'not contracts and not slow' $$files || [ $$? = 5 ]

lint:
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m ruff check $(SOURCES)

types:
	$(PYTHON) -m pyright --pythonpath $$($(PYTHON) -c "import sys; print(sys.executable)")

contracts-of-imports:
	lint-imports

# Known vulnerabilities of what is installed; without a network it says that it does not know.
audit:
	$(PYTHON) scripts/audit.py

test:
	$(PYTHON) -m pytest --cov -n 2 --dist worksteal --durations=15

contracts:
	$(PYTHON) -m pytest -n 2 --dist worksteal -m contracts

chaos:
	$(PYTHON) -m tests.chaos --seed $(or $(SEED),0)

places:
	$(PYTHON) -m tests.places

evening:
	$(PYTHON) scripts/evening.py

fix:
	$(PYTHON) -m ruff format $(SOURCES)
	$(PYTHON) -m ruff check --fix $(SOURCES)
