# make infer            a photograph becomes a hand mesh (IMAGE=photo.jpg for yours)
# make test             the whole test suite
# make lint             linters, formatter and type checks

PYTHON ?= python3
IMAGE ?= estimator/assets/sample.jpg
OUT ?= output
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable

.PHONY: infer test lint format clean lock

infer: $(VENV)/installed
	$(RUN) -m estimator.system
	$(RUN) -m estimator.infer "$(IMAGE)" --out "$(OUT)" --views

test: $(VENV)/installed-development
	$(RUN) -m estimator.system
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/installed-development
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pyright

format: $(VENV)/installed-development
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

clean:
	rm -rf $(VENV) $(OUT)

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || \
		{ echo "This needs Python 3.11 to 3.14, and $(PYTHON) is another: make PYTHON=/path/to/python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python cannot make virtual environments here. On Debian or Ubuntu: sudo apt-get install -y python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/installed: $(VENV)/created pyproject.toml requirements.lock
	@echo "Installing into $(VENV) (once; the largest part is PyTorch)" >&2
	$(INSTALL) .
	@touch $@

$(VENV)/installed-development: $(VENV)/created pyproject.toml requirements.lock
	@echo "Installing into $(VENV) with what tests and linters need (once)" >&2
	$(INSTALL) '.[development]'
	@touch $@ $(VENV)/installed

# PyTorch's version is chosen, the others follow; what its CUDA build brings along is not pinned, because most machines have none.
TORCH ?= 2.14.1

# Every extra at once, so that one file of versions fits all; the local part of a version (2.13.0+cpu) is left to the machine.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check 'torch==$(TORCH)' '.[development,training,demo,pyrender]'
	{ echo "# Written by make lock: the versions that CI runs with, as constraints."; \
		$(VENV)-lock/bin/python -m pip freeze --exclude deephandmesh | sed -E 's/\+[a-z0-9.]+$$//' | grep -vE ' @ |^(nvidia|cuda|triton)-?'; } > requirements.lock
	rm -rf $(VENV)-lock
