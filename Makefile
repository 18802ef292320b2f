# Two commands: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_RUNS ?= runs/demo
INPUT ?=

.PHONY: demo test measuring spgemm clean

$(VENV)/.demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[mpi,report]'
	touch $@

$(VENV)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(VENV)/.demo $@

# SpGEMM on real finite-element matrices (or INPUT=FILE): serial, 1 and 2 threads, 2 MPI ranks.
demo: $(VENV)/.demo
	rm -rf $(DEMO_RUNS)
	$(BIN)/hpcbench run --kernel spgemm $(if $(INPUT),--input $(INPUT),--case airfoil,knot,bar) \
	  --threads 1,2 --ranks 2 --budget 15 --runs $(DEMO_RUNS)
	$(BIN)/hpcbench report --runs $(DEMO_RUNS) --output report.html --csv results.csv

# By themselves those that look at times and processes; two at a time all others.
ALONE := $(addprefix tests/test_,$(addsuffix .py,arms conduct confirm evaluate faults machine))
test: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal --durations=20 $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest -m "not slow" --durations=20 $(ALONE)

# Figures of docs/measuring.md; takes about two hours on two cores, which must do nothing else.
measuring: $(VENV)/.dev
	$(BIN)/python docs/measuring.py

# The constants of the choice and the tables of docs/spgemm.md; takes more than an hour.
spgemm: $(VENV)/.dev
	$(BIN)/python docs/choice.py
	$(BIN)/python docs/spgemm.py

clean:
	rm -rf $(VENV) runs report.html results.csv dist
