# `make` alone lists what there is. Everything runs in .venv, which `make setup` keeps up to date.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-rest test-all test-exhaustive coverage test-easyocr check-compose lint types advisories check bench drills lock clean
PY := .venv/bin/python

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

setup: ## make .venv and install what the gateway needs
	@bin/setup

setup-dev:
	@bin/setup --dev

run: setup ## start gateway and sandbox (PORT=8000, DATA_DIR=./var); Ctrl-C stops them
	@exec $(PY) manage.py up

test: setup-dev ## run the light tests in a minute, or any that ARGS="-k name" or a path chooses
	@exec $(PY) bin/test light $(ARGS)

test-rest: setup-dev ## run what `make test` leaves out: browser, processes, OCR, Asterisk, full profile
	@exec $(PY) bin/test rest $(ARGS)

test-all: setup-dev ## run both
	@exec $(PY) bin/test all $(ARGS)

test-exhaustive: setup-dev ## run every case on both profiles, EasyOCR, the soak, the compose file, the drills (two hours)
	@exec $(PY) bin/test exhaustive $(ARGS)

coverage: ## run all tests, a third slower, and print the branch coverage
	@COVERAGE=1 $(MAKE) --no-print-directory test-all

test-easyocr: setup-dev ## run the tests of OCR_ENGINE=easyocr in .venv-easyocr (2.4 GB)
	@bin/test-easyocr $(ARGS)

check-compose: setup-dev ## build the images and run every service of docker-compose.yml, with Podman as root
	@exec $(PY) bin/check-compose $(ARGS)

lint: setup-dev ## format, style, import rules and language
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@.venv/bin/lint-imports
	@$(PY) bin/check-language

types: setup-dev ## mypy
	@$(PY) -m mypy

advisories: setup-dev ## compare the pinned versions with published advisories, where osv.dev can be reached
	@$(PY) bin/check-advisories

check: lint types advisories ## everything that CI runs
	@$(PY) manage.py check
	@$(PY) manage.py makemigrations --check --dry-run
	@bin/check-production
	@bin/check-deploy
	@$(MAKE) --no-print-directory test-all

bench: setup-dev ## run the benchmarks beside their peers (see docs/performance.md)
	@exec $(PY) -m bench $(ARGS)

drills: setup-dev ## break the full profile under traffic, as root: ARGS="redis --quick", ARGS="--soak 24" (two hours)
	@exec $(PY) -m drills $(ARGS)

lock: setup-dev ## compile requirements*.in into the pinned requirements*.txt
	@bin/lock $(ARGS)

clean: ## remove caches and build leftovers; .venv, .env and var stay
	@find . -path ./.venv -prune -o -name __pycache__ -type d -print | xargs -r rm -rf
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
