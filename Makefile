# Needs Python 3.11+, git and make. uv is taken from the PATH, or made here.
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := $(UV) run --quiet
# Two at a time; files whose tests take longest begin (tests/conftest.py), so that none is waited for at the end.
TESTS := $(RUN) pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# Compiled code is kept whatever the caller's habit: the tests start dozens of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test fast end-to-end check install docs clean

demo: install            ## the whole path on a simulated cohort; the same command goes on where it stopped
	@$(RUN) tlesynth demo

install: $(UV)           ## everything the project needs, into .venv
	@echo "installing (the first time fetches about 6 GB of packages)" && $(UV) sync --quiet

test: fast end-to-end    ## the fast suite, then the whole path on the tiny recipe

fast: install
	$(TESTS) -m "not end_to_end"

end-to-end: install
	$(TESTS) -m end_to_end

check: install           ## format, lint, types, import contracts, architecture
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) ty check
	$(RUN) lint-imports
	$(RUN) pytest -q tests/test_architecture.py

docs: install            ## the documentation as a site in site/
	$(RUN) python -m tlesynth.errors > docs/errors.md
	$(RUN) zensical build

clean:                   ## remove the demo run
	rm -rf demo site

.tools/bin/uv:
	python3 -m venv .tools && .tools/bin/python -m pip install --quiet uv
