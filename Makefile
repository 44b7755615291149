# make book | test | lab | serve | bench | clean        Each sets up what it needs first, inside this folder.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PAGE_SOURCES := $(shell find _config.yml _toc.yml *.md *.ipynb *.bib *.toml chapters gradlab tools assets -type f \
	-not -path '*/__pycache__/*' -not -path '*/.ipynb_checkpoints/*' -not -name '* *' 2>/dev/null)

.PHONY: book test lab serve bench clean browser
.DELETE_ON_ERROR:

book: _build/made
	@echo "The book is built. Open $(CURDIR)/_build/html/index.html, or run: make serve"

test: _build/made browser
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . \
		|| { echo "To put this right: $(BIN)/ruff check --fix . && $(BIN)/ruff format ."; exit 1; }
	@OMP_NUM_THREADS=1 $(BIN)/python tools/suites.py

lab: .venv/made
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) intro.ipynb

serve: _build/made
	@echo "http://localhost:$(PORT)/  (Ctrl+C ends it; another port: make serve PORT=8001)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

bench: _build/made browser
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

clean:
	rm -rf _build node_modules
	@echo "Left in place: .venv (delete it by hand to start from nothing)"

browser: .venv/made
	@$(BIN)/python tools/chromium.py

# A failed build forgets what it read: pages that are not read again would not repeat their warnings.
_build/made: .venv/made node_modules/made $(PAGE_SOURCES)
	@echo "Building the book; chapters that changed are executed ..."
	@$(BIN)/jupyter-book build . -W -n --keep-going -q >/dev/null \
		|| { rm -rf _build/.doctrees; echo "The book was not built. What to change stands above, by page and line."; exit 1; }
	@touch $@

node_modules/made: package.json package-lock.json .npmrc .venv/made
	@$(BIN)/python tools/page_assets.py
	@touch $@

.venv/made: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or later is needed. Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "Python cannot make an environment. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (minutes the first time) ..."
	@$(BIN)/python -m pip install -qq -r requirements.txt \
		|| { echo "The packages were not installed. Check the network, then run the same command again."; exit 1; }
	@mkdir -p .venv/etc/ipython && echo "c.IPKernelApp.log_level = 40  # kernels talk to this machine only" \
		> .venv/etc/ipython/ipython_kernel_config.py
	@touch $@
