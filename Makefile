# Kehu on one machine: `make run` runs a night on the sample, `make test` lints and tests.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := UV_PYTHON_DOWNLOADS=never $(VENV)/bin/uv pip install --quiet --python $(PY) --compile-bytecode --require-hashes
KEHU := $(PY) -m kehu.cli
RANGE := $(if $(AS_OF),--as-of $(AS_OF)) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

.PHONY: help run retrain ui stop clean psql raw fingerprint rollback rollback-model explain simulate lineage export metrics waive erase export-my-data reveal replay alert-test setup supply audit lint test world fakes bench bench-scores bench-identity bench-gates bench-faults lock sandbox diff docs check

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: $(VENV)/.runtime ## run the night of the newest day (AS_OF=2011-12-09), or a range (FROM=2011-11-01 TO=2011-11-30)
	@$(KEHU) run $(RANGE)

retrain: $(VENV)/.runtime ## train all models anew; each takes over only if it is no worse than the champion
	@$(KEHU) retrain

ui: $(VENV)/.runtime ## start Airflow's UI and scheduler on 127.0.0.1
	@$(KEHU) ui

psql: $(VENV)/.runtime ## open psql on the marts
	@$(KEHU) psql $(ARGS)

raw: $(VENV)/.runtime ## open psql on everything, raw tables and books included, read-only
	@$(KEHU) psql --raw $(ARGS)

fingerprint: $(VENV)/.runtime ## print a hash of each mart
	@$(KEHU) fingerprint

rollback: $(VENV)/.runtime ## publish the night before the current one again
	@$(KEHU) rollback

rollback-model: $(VENV)/.runtime ## let the previous champion of a question score again (QUESTION=churn)
	@$(KEHU) rollback-model $(or $(QUESTION),$(error which question? make rollback-model QUESTION=churn))

explain: $(VENV)/.runtime ## tell and draw why records are one customer (CUSTOMER=P-…, VALUES=1 with names and mails)
	@$(KEHU) identity explain $(CUSTOMER) $(if $(VALUES),--show-values)

simulate: $(VENV)/.runtime ## tell and draw what other identity settings would change (SETTINGS=file DECISIONS=file KIND=person)
	@$(KEHU) identity simulate --settings $(SETTINGS) $(if $(DECISIONS),--decisions $(DECISIONS)) $(if $(KIND),--kind $(KIND))

export: $(VENV)/.runtime ## hand a list out as a file (LIST=callback FORMAT=csv OUT=file, CONTACT=1 with names and numbers)
	@$(KEHU) export $(or $(LIST),$(error which list? make export LIST=callback)) $(if $(FORMAT),--format $(FORMAT)) $(if $(OUT),--out $(OUT)) $(if $(CONTACT),--with-contact)

waive: $(VENV)/.runtime ## let a file (LOAD=33) or a night's scores (NIGHT=2011-12-09) pass that the comparison with earlier nights blocks (REASON="the sale began")
	@$(KEHU) waive $(or $(LOAD),$(if $(NIGHT),--night $(NIGHT),$(error what? make waive LOAD=33 REASON=... or NIGHT=2011-12-09))) --reason "$(or $(REASON),$(error why is it right? make waive LOAD=33 REASON=...))"

replay: $(VENV)/.runtime ## list the rows in quarantine (LOAD=33), or land corrected ones (LOAD=33 FILE=rows.csv REASON="a typing error")
	@$(KEHU) replay $(LOAD) $(FILE) $(if $(REASON),--reason "$(REASON)")

alert-test: $(VENV)/.runtime ## send a trial by each alert connection that is set (docs/alerts.md)
	@$(KEHU) alert-test

erase: $(VENV)/.runtime ## forget people everywhere, with a receipt (CUSTOMERS="P-1… P-2…" REASON="letter 17")
	@$(KEHU) erase $(or $(CUSTOMERS),$(error whom? make erase CUSTOMERS="P-..." REASON=...)) --reason "$(or $(REASON),$(error why? make erase CUSTOMERS="P-..." REASON=...))"

reveal: $(VENV)/.runtime ## show what was known of a person from when to when (CUSTOMER=P-1…)
	@$(KEHU) reveal $(or $(CUSTOMER),$(error who? make reveal CUSTOMER=P-...))

export-my-data: $(VENV)/.runtime ## write all that is kept about a person (CUSTOMER=P-1… OUT=folder)
	@$(KEHU) export-my-data $(or $(CUSTOMER),$(error who? make export-my-data CUSTOMER=P-... OUT=folder)) --out "$(or $(OUT),$(error where to? make export-my-data CUSTOMER=P-... OUT=folder))"

metrics: $(VENV)/.dev ## ask the metrics (ARGS="query --metrics revenue --group-by metric_time__month"; list, dimensions)
	@$(PY) tools/metrics.py $(or $(ARGS),list)

sandbox: $(VENV)/.runtime ## build the models you changed in a schema of your own (NAME=anna, ARGS=--drop removes it)
	@$(KEHU) sandbox $(if $(NAME),--name $(NAME)) $(ARGS)

diff: $(VENV)/.runtime ## show what a changed model does to rows and columns (MODEL=dim_customers NAME=anna)
	@$(KEHU) diff $(or $(MODEL),$(error which model? make diff MODEL=dim_customers)) $(if $(NAME),--name $(NAME)) $(ARGS)

docs: $(VENV)/.runtime ## build the dbt docs and open them (ARGS=--no-open)
	@$(KEHU) docs $(ARGS)

check: $(VENV)/.dev ## sqlfluff, ruff and the dbt conventions for what you changed, in seconds
	@$(PY) tools/check.py

stop: ## stop all that was started
	@if [ -x $(PY) ]; then $(KEHU) stop; else echo "nothing was running"; fi

clean: ## stop everything, remove data, logs, reports and the environment
	@if [ -x $(PY) ] && [ -f $(VENV)/.runtime ]; then $(KEHU) clean; fi
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dbt_project/target dbt_project/logs

setup: $(VENV)/.runtime ## install what a night needs

lineage: $(VENV)/.runtime ## install OpenLineage's Airflow provider; events are switched on by its settings (docs/lineage.md)
	@$(UV) -r requirements/lineage.txt

supply: $(VENV)/.bootstrap ## list the packages a night installs (CycloneDX) and their licences, in .kehu/supply
	@$(PY) tools/supply.py lists

audit: $(VENV)/.bootstrap ## ask for known weaknesses of the locked packages
	@$(PY) tools/supply.py audit

lint: $(VENV)/.dev ## ruff, mypy, import contracts, sqlfluff, dbt layers, compose and Dockerfile
	@$(PY) tools/lint.py

test: lint ## lint, then all tests
	@$(PY) tools/ensure_browser.py
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile

world: $(VENV)/.runtime ## generate a linked world for all sources (CUSTOMERS=10000 SEED=1 OUT=.kehu/world)
	@$(PY) -m world --customers $(or $(CUSTOMERS),10000) --seed $(or $(SEED),1) --out $(or $(OUT),.kehu/world)

fakes: $(VENV)/.dev ## start fake CRMs and a fake REST service on 127.0.0.1, to try the connectors
	@$(PY) -m tests.fakes $(ARGS)

bench: $(VENV)/.dev ## measure and print JSON (ARGS="--only marts --marts 100000 1000000")
	@$(PY) -m bench $(ARGS)

bench-scores: $(VENV)/.dev ## measure value, churn and feedback against their peers (ARGS="--only value")
	@$(PY) -m bench.scores $(ARGS)

bench-identity: $(VENV)/.dev ## measure who is found to be whom, against plain Splink (ARGS="--only febrl", "--set FILE --truth COLUMN")
	@$(PY) -m bench.identity $(or $(ARGS),--customers 10000 100000)

bench-gates: $(VENV)/.dev ## corrupt a night in 40 known ways and see what the gates do (ARGS="--only 5 25 --nights 0 --whole 0")
	@$(PY) -m bench.gates $(ARGS)

bench-faults: $(VENV)/.dev ## kill nights at random and compare with undisturbed ones (ARGS="--task 2 --dbt 1 --postmaster 1 --connection 1 --disk 1 --two 1 --order 4")
	@$(PY) -m bench.faults $(ARGS)

lock: $(VENV)/.bootstrap ## resolve the requirements again
	cd requirements && for set in bootstrap runtime dev lineage peers_text peers_value supply; do \
	  ../$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet $$set.in -o $$set.txt; done

$(VENV)/.bootstrap: requirements/bootstrap.txt
	@echo "creating the environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kehu needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@printf '%s\n' "$(CURDIR)" "$(CURDIR)/plugins" > "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kehu.pth"
	@touch $@

$(VENV)/.runtime: $(VENV)/.bootstrap requirements/runtime.txt pyproject.toml
	@echo "installing the locked packages (a minute or two the first time)"
	@$(UV) -r requirements/runtime.txt
	@$(VENV)/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --no-index --reinstall .
	@rm -rf build kehu.egg-info
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "installing what lint and tests need"
	@$(UV) -r requirements/dev.txt
	@touch $@
