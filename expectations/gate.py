"""Run one gate: a suite of named checks on one query's rows, by Great Expectations, with an outcome per check.

An ephemeral context keeps nothing on disk. Values never leave the database: an outcome holds counts and the
positions of offending rows, no content.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import psycopg
from great_expectations.expectations import Expectation
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from psycopg.types.json import Jsonb

logging.getLogger("great_expectations").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Check:
    """One rule: its name, what to tell a person whose row breaks it, how bad that is, and the expectation.

    A file in which more than `max_share` of the rows break it (and more than a few) is refused. A check with a `field`
    quarantines that field of the record alone: the rest of the record is wanted.
    """

    rule: str
    reason: str
    severity: str
    expectation: Expectation
    max_share: float = 0.1
    field: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    `observed` is what a check of all rows together saw (a count, a mean); `positions` are the key values of offending
    rows, for quarantine checks only.
    """

    check: Check
    is_passed: bool
    count_evaluated: int | None = None
    count_unexpected: int | None = None
    error: str | None = None
    observed: float | None = None
    positions: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def severity(self) -> str:
        """The check's severity; a check that could not be evaluated blocks."""
        return "block" if self.error else self.check.severity


class GateError(RuntimeError):
    """A gate is closed; the message names the table, the rule and the reason."""


def ephemeral_context() -> Any:
    """A context of Great Expectations that leaves nothing behind, not even the folder it makes for Data Docs."""
    context = gx.get_context(mode="ephemeral")
    for name, site in dict(context.variables.data_docs_sites or {}).items():
        context.delete_data_docs_site(name)
        with suppress(OSError):
            Path(site["store_backend"]["base_directory"]).rmdir()
    return context


def run_gate(url: str, query: str, checks: Sequence[Check], key: Sequence[str] = ()) -> list[Outcome]:
    """Evaluate `checks` on the rows of `query`; `key` names the columns that locate a row."""
    context = ephemeral_context()
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    sqlalchemy_url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    datasource = context.data_sources.add_postgres("warehouse", connection_string=sqlalchemy_url)
    batch = datasource.add_query_asset("rows", query=query).add_batch_definition_whole_table("all").get_batch()
    # All verdicts in one scan first; only a failed check is asked again, for its counts and positions.
    suite = gx.ExpectationSuite(name="gate", expectations=[check.expectation for check in checks])
    verdicts = {
        _name(result.expectation_config): result
        for result in batch.validate(suite, result_format="BOOLEAN_ONLY").results
    }
    rows = batch.validate(gxe.ExpectTableRowCountToBeBetween(min_value=0), result_format="BASIC").result[
        "observed_value"
    ]
    return [
        Outcome(check, True, rows, 0 if _is_strict(check) else None)
        if verdicts[_name(check.expectation.configuration)].success and _asks_each_row(check)
        else _evaluate(batch, check, key, rows)
        for check in checks
    ]


def record(url: str, run_id: int, gate: str, table: str, outcomes: Sequence[Outcome]) -> None:
    """Keep the outcomes of one gate in `ops.quality_results`, replacing those of an earlier try."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "delete from ops.quality_results where run_id = %s and gate = %s and table_name = %s",
            [run_id, gate, table],
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                insert into ops.quality_results (
                    run_id, gate, table_name, expectation, severity, is_passed, count_evaluated, count_unexpected,
                    error, reason, configuration, observed_value
                ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                [
                    (
                        run_id,
                        gate,
                        table,
                        outcome.check.rule,
                        outcome.severity,
                        outcome.is_passed,
                        outcome.count_evaluated,
                        outcome.count_unexpected,
                        outcome.error,
                        outcome.check.reason,
                        Jsonb(_configuration(outcome.check.expectation.configuration)),
                        outcome.observed,
                    )
                    for outcome in outcomes
                ],
            )


def require_open(table: str, outcomes: Sequence[Outcome]) -> None:
    """Raise `GateError` if a blocking check failed."""
    for outcome in outcomes:
        if not outcome.is_passed and outcome.severity == "block":
            why = outcome.error or outcome.check.reason
            raise GateError(f"{table}: {outcome.check.rule}: {why}")


def _evaluate(batch: Any, check: Check, key: Sequence[str], rows: int) -> Outcome:
    result_format: dict[str, Any] = {"result_format": "SUMMARY"}
    if check.severity == "quarantine":
        result_format = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": list(key),
            # Without it the library names the first twenty rows, and the others would go on to staging.
            "partial_unexpected_count": rows,
            "return_unexpected_index_query": False,
        }
    result = batch.validate(check.expectation, result_format=result_format)
    if result.exception_info and _raised(result.exception_info):
        # The library's message may quote rows; the type is enough to look for.
        return Outcome(check, False, error="the check itself failed to run")
    details = result.result
    positions = [tuple(row[name] for name in key) for row in details.get("unexpected_index_list") or []]
    observed = details.get("observed_value")
    return Outcome(
        check,
        bool(result.success),
        details.get("element_count", rows),
        details.get("unexpected_count"),
        observed=float(observed) if isinstance(observed, int | float | Decimal) else None,
        positions=positions,
    )


def _configuration(configuration: Any) -> dict[str, Any]:
    """The type and the arguments of an expectation."""
    kwargs = {name: value for name, value in configuration.kwargs.items() if name != "batch_id"}
    return {"type": configuration.type, "kwargs": kwargs}


def _name(configuration: Any) -> str:
    """What tells one expectation of a suite from the others."""
    return json.dumps(_configuration(configuration), sort_keys=True, default=str)


def _asks_each_row(check: Check) -> bool:
    """Whether the check asks rows one by one; the others see a figure of all rows that is worth keeping."""
    return isinstance(check.expectation, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation)


def _is_strict(check: Check) -> bool:
    """Whether passing means that no row at all is unexpected."""
    return float(getattr(check.expectation, "mostly", 1) or 1) == 1.0


def _raised(info: dict[str, Any]) -> bool:
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(part.get("raised_exception") for part in info.values() if isinstance(part, dict))
