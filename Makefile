# make demo    the main comparison: a virtual environment, the package, the report
# make test    everything the tests need, then the tests
# make lint    ruff: rules and format
# make types   pyright on the package and the examples
# make policies  all shipped policies trained anew, in policies/; hours, says how many first; can be stopped and resumed
# make behaviours  the table of what every id does, after a deliberate change of behaviour
# make docs    the documentation; prints where its first page is
# make bench   steps a second, import and start times
# make wheel   the wheel, in dist/
# make clean   what the targets above leave behind
# Another interpreter: make demo PYTHON=/usr/bin/python3.12

VENV   ?= .venv
REPORT ?= report
PYTEST_ARGS ?= -n 2

# The first interpreter on the path that is new enough; python3 if there is none, so that the check below names it.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && exit; \
	done; echo python3)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# One thread per process: the numeric libraries gain nothing from more here, and lose a lot on a busy machine.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: demo test lint types docs policies behaviours bench wheel clean

demo: $(VENV)/.installed
	$(BIN)/gym-suite compare gem/PMSM-v0 gem/PMSM-DriveCycle-v0 --out $(REPORT) --seeds 12 --workers 2
	@echo "Report: $(abspath $(REPORT))/index.html"

test: $(VENV)/.tested
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.tested
	$(BIN)/python docs/build.py

policies: $(VENV)/.tested
	$(BIN)/python -m gym_suite.learning.campaign --out policies
	@echo "Install them: $(BIN)/python -m gym_suite.learning.campaign --out policies --install"

behaviours: $(VENV)/.installed
	$(BIN)/python -m gym_suite.behaviour

bench: $(VENV)/.installed
	$(BIN)/gym-suite bench

wheel: $(VENV)/.tested
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf $(VENV) $(REPORT) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

# A stamp is newer than what it was made from, so a second call goes straight to work.
$(VENV)/.created:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "gym_suite needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1)." >&2; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.created pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/.installed
