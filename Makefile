# Everything works in a fresh clone with Python >= 3.11, git and make. `make PYTHON=python3.13`
# chooses the Python that `.venv` is made with. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv/bin
SETUP := $(PYTHON) scripts/setup_venv.py
# Processes for the tests: three for the quick ones, many of which wait for servers and clocks, and two
# where the slow ones are among them, some of which measure. Who has no more to do takes from the others.
N ?=
PYTEST := $(VENV)/python -m pytest --dist worksteal
# More words for pytest: make test ARGS='-k init'
ARGS ?=
# Debian packages that the tests of `make test-all` use, each skipped without it.
DEBIAN := postgresql rbldnsd unbound postfix dovecot-imapd dovecot-lmtpd chromium fonts-noto-cjk
# And those of `make bench`: peers that are measured where they are installed.
PEERS := dnsperf adns-tools pflogsumm
# The tests that also run without the compiled engine: whatever reads, matches or judges.
PURE := $(wildcard tests/reading tests/knowledge tests/diagnosis tests/test_reading*.py \
	tests/test_knowledge*.py tests/test_diagnos*.py)
TYPED := src hatch_build.py $(wildcard tests scripts benchmarks fuzz)

# The tests as pytest rewrites them are kept for the next run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help .venv run test test-all lint format bench accuracy fuzz fit lock notice wheel clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

.venv: ## set up .venv from the locks (the others do this by themselves)
	@$(SETUP) requirements/dev.txt

run: .venv ## live through a case, from the complaint to the mail that arrives
	@$(VENV)/todoku demo $(ARGS)

test: .venv ## the quick tests (at most 10 minutes on two cores)
	$(PYTEST) -n $(or $(N),3) -m "not slow" $(ARGS)

test-all: .venv ## everything: real servers, wheels, sizes, and the pure engine
	@scripts/debian-packages $(DEBIAN) || test $$? -eq 3
	$(PYTEST) -n $(or $(N),2) $(ARGS)
ifneq ($(strip $(PURE)),)
	TODOKU_PURE=1 $(PYTEST) -n $(or $(N),2) -m "not slow" $(ARGS) $(PURE)
else
	@echo "test-all: no tests of reading, knowledge or diagnosis here; the pure pass is left out"
endif

lint: .venv ## ruff, formatting, strict types
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy $(TYPED)

format: .venv ## format, and mend what ruff can mend
	$(VENV)/ruff check --fix-only --quiet .
	$(VENV)/ruff format .

bench: .venv ## speed, beside the peers
	@scripts/debian-packages $(DEBIAN) $(PEERS) || test $$? -eq 3
	$(VENV)/python benchmarks/run.py $(ARGS)

accuracy: .venv ## the table of docs/accuracy.md
	$(VENV)/python scripts/accuracy.py $(ARGS)

fuzz: ## feed the readers with hostile input
	@$(SETUP) requirements/dev.txt requirements/fuzz.txt
	$(VENV)/python fuzz/fuzz_reading.py $(ARGS)

fit: ## fit the second reader of answers (ARGS=--write; else: how good it is)
	@$(SETUP) requirements/dev.txt requirements/fit.txt
	$(VENV)/python scripts/likeness.py $(ARGS)

lock: ## write requirements/*.txt anew (ARGS=--upgrade for the newest)
	@$(SETUP) requirements/dev.txt requirements/lock.txt
	scripts/lock $(ARGS)

notice: .venv ## write NOTICE anew: licences of dependencies and knowledge
	$(VENV)/python scripts/licences.py --write

wheel: .venv ## dist/*.whl
	$(VENV)/python -m build --wheel --no-isolation --outdir dist .

clean: ## remove .venv, caches and what was built
	rm -rf .venv .venv.lock .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
