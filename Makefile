# Every command of the project. Only `python3` (3.11, 3.12 or 3.13) and the package index are needed beforehand.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PORT ?= 5000
SERVE_PORT ?= 5001

# Asked before .venv comes first on the PATH. The interpreter that .venv was made with stays the one, until another is named.
ifndef PYTHON
PYTHON := $(or $(shell cat .venv/named 2> /dev/null),python3)
endif
INTERPRETER := $(shell command -v $(PYTHON))
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2> /dev/null)
READY := .venv/ready-$(or $(basename $(VERSION)),none)
TORCH := $(shell grep -oE -m 1 'torch==[0-9.]+' pyproject.toml)
CLUSTER := $(shell sed -nE '/^(cluster|server) = \[/,/^\]/s/^ +"([^"]+)".*/"\1"/p' pyproject.toml)
HAD_TORCH := $(wildcard .venv/torch)
HAD_CLUSTER := $(wildcard .venv/cluster)
GONE := $(shell [ -x .venv/bin/python ] || echo gone)  # for example when its interpreter was uninstalled
define REFUSAL
pitfalls: $(PYTHON) $(if $(VERSION),is Python $(VERSION),does not start here), and the packages are locked for Python 3.11, 3.12 and 3.13.
Install one of these, then name it, for example: make setup PYTHON=python3.12
The guard alone needs none of the locked packages, only Python 3.10 or newer: python3 -m pip install .
endef
export REFUSAL
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Nothing is told to anybody: by what make starts, and by a file in .venv that every Python of it reads, as `mlflow run` does without make.
QUIET := DO_NOT_TRACK MLFLOW_DISABLE_TELEMETRY DVC_NO_ANALYTICS
$(foreach name,$(QUIET),$(eval export $(name) := true))

# Adds packages that are not locked to .venv, and changes none that is.
define ADD
	@sed -nE 's/^([a-zA-Z0-9_.-]+==[^ ;\\]+)( ; [^\\]*)?.*/\1\2/p' requirements.lock > .venv/pins.txt
	@python -m pip install --quiet --disable-pip-version-check --constraint .venv/pins.txt
endef

.PHONY: help setup setup-torch setup-cluster reproduce reproduce-torch test test-soak test-cluster check lint ui serve bench release clean lock

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: $(READY)  ## make the environment in .venv from requirements.lock (another interpreter: PYTHON=python3.12)

setup-torch: setup add-torch  ## add PyTorch to it, which is not locked: a gigabyte and more on some machines

setup-cluster: setup add-cluster  ## add what Slurm and Ray need to it, which is not locked either

.PHONY: add-torch add-cluster
add-torch:  # without setup: that one calls it, and under make -n the two would never end
	$(ADD) "$(TORCH)"
	@touch .venv/torch

add-cluster:
	$(ADD) $(CLUSTER)
	@echo 'import os; os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")' \
		> "$$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/quiet_ray.pth"
	@touch .venv/cluster

.PHONY: gone
$(READY): requirements.lock pyproject.toml $(GONE)
	@[[ "$(VERSION)" == 3.1[123].* ]] || { echo "$$REFUSAL" >&2; exit 1; }
	@echo "Setting up .venv (about two minutes on a cold cache) ..."
	@"$(INTERPRETER)" -m venv --clear .venv
	@echo "$(PYTHON)" > .venv/named
	@awk '/^uv==/ {on = 1} on {print; if (!/\\$$/) exit}' requirements.lock > .venv/uv.txt
	@python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	@uv pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode requirements.lock
	@uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@echo 'import os; [os.environ.setdefault(name, "true") for name in "$(QUIET)".split()]' \
		> "$$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/quiet.pth"
	@touch $(READY)
	@$(if $(HAD_TORCH),$(MAKE) --no-print-directory add-torch)
	@$(if $(HAD_CLUSTER),$(MAKE) --no-print-directory add-cluster)

reproduce: setup  ## train the whole matrix and the article, check every claim
	@dvc repro --quiet
	@echo "Open reports/index.html: what bites today, the article beside ours, every run. Tables: reports/matrix.md. In MLflow: make ui"

reproduce-torch: setup-torch reproduce  ## the same with PyTorch

test: setup  ## run all tests
	@python -m pytest -n 2 --dist loadfile

test-soak: setup  ## run the long tests: many processes at once, for minutes
	@python -m pytest -m soak tests/soak

test-cluster: setup  ## run sweeps on a Slurm and a Ray of this machine, in a network namespace that has only loopback
	@python tests/cluster/alone.py python -m pytest -m cluster -rs tests/cluster

lint: setup  ## ruff and mypy
	@ruff check . && ruff format --check . && mypy

check: lint test  ## what CI runs before the pipeline

ui: setup  ## browse the runs in MLflow, on this machine only (another port: PORT=5005)
	@python src/ui.py --port $(PORT)

serve: setup  ## serve the promoted model, on this machine only (another port: SERVE_PORT=5005)
	@python src/serve.py --port $(SERVE_PORT)

bench: setup  ## measure side by side what the lab and the guard cost or save; shown on the page (fewer pairs: PAIRS=1)
	@python benchmarks/page.py
	@for part in training steps tracking sweeps memory; do python benchmarks/$$part.py $(if $(PAIRS),--pairs $(PAIRS)); done
	@python benchmarks/guard.py
	@if [ -f reports/verdicts.json ]; then python src/report.py; fi

release: setup  ## take this run's numbers and plots for the next release: reports/release/ and the README
	@python src/release.py

lock:  ## pin the dependencies of pyproject.toml again for Python 3.11 to 3.13, without a host's name
	uv pip compile --quiet --no-config --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--generate-hashes --universal --python-version 3.11 --extra lab --extra dev -o requirements.lock pyproject.toml

clean:  ## remove runs, reports of this machine and MLflow's store (asks nothing, keeps .venv)
	rm -rf runs mlruns mlflow.db mlflow.db-* dvc.lock .pytest_cache .mypy_cache .ruff_cache
	find reports -mindepth 1 -maxdepth 1 ! -name release -exec rm -rf {} +
