"""What the report shows, read in one snapshot and with the rights of a BI tool: only what is published is in reach."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg

from kehu.warehouse.runs import Night

QUERIES = {
    "run": "select run_id, as_of_date from ops.published_run",
    "stages": """
        select stage, state, rows_in, rows_out, quarantined,
            extract(epoch from finished_at - started_at)::float8 as seconds,
            extract(epoch from started_at - min(started_at) over ())::float8 as began
        from ops.published_stages where finished_at is not null order by started_at
    """,
    "sources": """
        select source, entity, latest_date::text, days_behind, is_read, is_stale, count_records, count_source_records,
            count_difference, marts
        from marts.rpt_source_freshness order by is_stale desc, source, entity
    """,
    "quality": """
        select gate, table_name, expectation, severity, is_passed, count_evaluated, count_unexpected, reason
        from ops.published_quality order by gate, table_name, is_passed, expectation
    """,
    "gate_nights": """
        select as_of_date, gate, state from ops.gate_nights
        where as_of_date in (
            select distinct as_of_date from ops.gate_nights
            where as_of_date <= (select as_of_date from ops.published_run) order by as_of_date desc limit 30
        )
        order by as_of_date, gate
    """,
    "totals": """
        select
            (select count(*) from marts.dim_customers where has_purchased) as customers,
            (select count(*) from marts.fct_orders where order_type = 'order') as orders,
            (select coalesce(sum(kept_amount), 0)::float8 from marts.fct_orders where order_type = 'order')
                as kept_amount,
            (select max(currency) from marts.fct_orders) as currency,
            count(*) as scored, sum(customer_value)::float8 as customer_value,
            avg(churn_probability) as churn_probability,
            max(value_horizon_days) as value_horizon_days, max(churn_horizon_days) as churn_horizon_days
        from marts.fct_customer_scores
    """,
    "segments": """
        with moved as (
            select to_segment, sum(count_customers) filter (where is_movement) as arrived
            from marts.rpt_segment_movements group by to_segment having not bool_or(is_suppressed)
        )
        select segment, count_customers as customers, customer_value::float8 as customer_value, churn_probability,
            arrived::float8 as arrived
        from marts.rpt_segments left join moved on segment = to_segment
        where not is_suppressed order by customers desc, segment
    """,
    "scores": """
        select customer_value::float8 as customer_value, churn_probability
        from marts.fct_customer_scores order by customer_id
    """,
    "movers": """
        select customer_id, segment, previous_segment, customer_value::float8 as customer_value,
            previous_customer_value::float8 as previous_customer_value,
            customer_value_change::float8 as customer_value_change
        from marts.fct_customer_scores
        where customer_value_change is not null and customer_value_change <> 0
        order by customer_value_change desc, customer_id
    """,
    "fits": """
        select model, model_version, method, is_fallback, note, count_customers, metrics, model_age_days, is_stale,
            training_failure, coalesce(calibration, '[]') as calibration
        from marts.fct_model_fits order by model
    """,
    "monitors": """
        select question, monitor, subject, model_version, value, threshold, is_alert, expected_value,
            reference_date::text, count_customers, coalesce(note, '') as note
        from marts.fct_model_monitors order by question, monitor, value desc nulls last, subject
    """,
    "identity": """
        select kind, count_customers, count_records, count_created, count_merged, count_split, count_vanished,
            (select count(*) from marts.rpt_identity_review as review where review.kind = known.kind) as count_doubtful
        from ops.published_identity as known order by kind desc
    """,
    "findings": """
        select kind, finding, subject, count_records, reason, count(*) over () as count_findings
        from ops.published_identity_findings order by count_records desc, kind, finding, subject limit 20
    """,
    "accounts": """
        select layer, reason, count_lines, amount from marts.rpt_line_reconciliation
        order by array_position(array['raw', 'staging', 'marts'], layer), count_lines desc, reason
    """,
}


class ReportError(RuntimeError):
    """The report cannot tell of this night, because another one is published."""


@dataclass(frozen=True)
class NightData:
    """The tables behind the report, one frame per query."""

    night: Night
    tables: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def totals(self) -> dict[str, Any]:
        """The single row of totals."""
        return dict(self.tables["totals"].iloc[0])

    @property
    def fits(self) -> list[dict[str, Any]]:
        """One entry per model, its metrics and its calibration unpacked."""
        fits = self.tables["fits"]
        rows = fits.assign(**{name: fits[name].map(json.loads) for name in ("metrics", "calibration")}).to_dict(
            "records"
        )
        return [{str(name): value for name, value in row.items()} for row in rows]


def read_night(url: str, night: Night) -> NightData:
    """Read everything the report shows.

    Raises
    ------
    ReportError
        If the published run is not the one to report on.
    """
    with psycopg.connect(url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local role bi_reader")
        tables = {name: _frame(connection, query) for name, query in QUERIES.items()}
    published = tables["run"]["run_id"].tolist()
    if published != [night.run_id]:
        raise ReportError(f"run {night.run_id} is not the published one, so there is nothing to report on")
    return NightData(night, tables)


def _frame(connection: psycopg.Connection, query: str) -> pd.DataFrame:
    cursor = connection.execute(query)  # type: ignore[arg-type, unused-ignore]
    names = [column.name for column in cursor.description or []]
    return pd.DataFrame(cursor.fetchall(), columns=names)
