"""Great Expectations' Data Docs of a run, from what `ops.quality_results` keeps: counts and limits, no value of a row.

One site holds the newest runs; each run adds its pages, and those of old runs go. The pages take their styles from the
web, as the library makes them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timezone
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from psycopg.rows import namedtuple_row

from expectations.gate import ephemeral_context
from kehu.warehouse.runs import Night

log = logging.getLogger(__name__)
KEPT_RUNS = 30
RESULTS = """
select run_id, as_of_date, gate, table_name, expectation, severity, is_passed, count_evaluated, count_unexpected,
    observed_value, reason, configuration
from ops.quality_results inner join ops.runs using (run_id)
where configuration is not null and run_id in (
    select distinct run_id from ops.quality_results where run_id <= %s order by run_id desc limit %s
)
order by run_id desc, gate, table_name, expectation
"""


def index_page(folder: Path) -> Path:
    """The page to begin with."""
    return folder / "index.html"


@contextmanager
def documented(url: str, night: Night, folder: Path) -> Iterator[None]:
    """Run a gate, then write what it found, also where it stays closed; pages that cannot be written stop no night."""
    try:
        yield
    finally:
        try:
            write_docs(url, night, folder)
        except Exception as error:
            log.warning("the Data Docs of run %s could not be written (%s)", night.run_id, type(error).__name__)


def write_docs(url: str, night: Night, folder: Path) -> int:
    """Add the pages of a run to the site in `folder`, or write them anew; return how many tables they tell of."""
    with psycopg.connect(url, row_factory=namedtuple_row) as connection:
        rows: list[Any] = connection.execute(RESULTS, [night.run_id, KEPT_RUNS]).fetchall()
    context = ephemeral_context()
    pages, tables = [], 0
    # The index drops pages that the context does not know: it is told of the older runs too.
    for (run_id, *_), group in groupby(rows, lambda row: (row.run_id, row.gate, row.table_name)):
        known = _remember(context, list(group))
        if run_id == night.run_id:
            pages += known
            tables += 1
    if pages:
        folder.mkdir(parents=True, exist_ok=True)
        _use_site(context, folder)
        context.build_data_docs(resource_identifiers=pages)
    return tables


def _use_site(context: Any, folder: Path) -> None:
    """Have pages written to `folder`."""
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
    site = {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": store}
    context.add_data_docs_site("quality", site | {"site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}})


def _remember(context: Any, rows: list[Any]) -> list[Any]:
    """Give the context the suite and the results of one table in one run; return the names of their pages."""
    name = re.sub(r"[^a-z0-9_]+", "_", f"{rows[0].gate}_{rows[0].table_name}".lower())
    configurations = [_configuration(row) for row in rows]
    if name not in {suite.name for suite in context.suites.all()}:  # of a suite that changed, the newest is shown
        context.suites.add(ExpectationSuite(name=name, expectations=[one.to_domain_obj() for one in configurations]))
    results = [_result(row, configuration) for row, configuration in zip(rows, configurations, strict=True)]
    passed = sum(row.is_passed for row in rows)
    run = RunIdentifier(f"run_{rows[0].run_id}", datetime.combine(rows[0].as_of_date, time.min, timezone.utc))
    suite_id = ExpectationSuiteIdentifier(name)
    result_id = ValidationResultIdentifier(suite_id, run, "rows")
    statistics = {
        "evaluated_expectations": len(rows),
        "successful_expectations": passed,
        "unsuccessful_expectations": len(rows) - passed,
        "success_percent": 100 * passed / len(rows),
    }
    validation = ExpectationSuiteValidationResult(
        passed == len(rows), results, name, statistics=statistics, meta={"run_id": run.to_json_dict()}
    )
    context.validation_results_store.store_validation_results(validation, result_id, suite_id)
    return [suite_id, result_id]


def _configuration(row: Any) -> ExpectationConfiguration:
    told = row.configuration
    notes = f"**{row.expectation}** ({row.severity}): {row.reason}"
    return ExpectationConfiguration(type=told["type"], kwargs=told["kwargs"], notes=notes)


def _result(row: Any, configuration: ExpectationConfiguration) -> ExpectationValidationResult:
    result: dict[str, Any] = {"element_count": row.count_evaluated}
    if row.observed_value is not None:
        result["observed_value"] = row.observed_value
    if row.count_unexpected is not None:
        result["unexpected_count"] = row.count_unexpected
        result["unexpected_percent"] = 100 * row.count_unexpected / max(row.count_evaluated or 0, 1)
    return ExpectationValidationResult(success=row.is_passed, expectation_config=configuration, result=result)
