"""Writes `rpt_kpis_daily`, its SQL and its contract, from the metrics that the saved query `kpis_daily` names.

MetricFlow writes the SQL here and not in the night, so that a night needs no MetricFlow and a change of a metric can be
read as a change of SQL. `make lint` fails where the files are not what the metrics say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kehu.paths import DBT_PROJECT
from tools.semantic_layer import PydanticSemanticManifest, meta_of, read_definitions, sql_of

SAVED_QUERY = "kpis_daily"
FOLDER = "models/publish/metrics"
SCHEMA = "kpi_report"
CURRENCY = "THE_REPORTING_CURRENCY"
HOW = "Written by `make metrics ARGS=write` from the metrics beside it: edit those, not this."

MODEL = """\
-- Grain: one row per calendar day up to the night, one column per KPI.
-- {how}
with

kpis as (

{sql}

)

select
    days.date_day as kpi_date,
{columns}
from {{{{ ref('dim_dates') }}}} as days
inner join kpis on days.date_day = cast(kpis.metric_time__day as date)
where days.date_day <= {{{{ as_of_date() }}}}
"""

CONTRACT = """\
# {how}
version: 2
models:
  - name: rpt_kpis_daily
    description: |
      Grain - one row per calendar day up to the night.
      Each KPI is a column, a metric of the same name, whose definition is the only one. Shares, means, medians and what
      stands at a day's end do not add up over days - ask the metric itself for weeks and months (docs/metrics.md).
    config: {{meta: {{owner: data team, group: value, shows: company}}}}
    columns:
      - name: kpi_date
        data_type: date
        description: The day, reporting time zone.
        constraints: [{{type: not_null}}, {{type: primary_key}}]
        data_tests:
          - relationships:
              arguments:
                to: ref('dim_dates')
                field: date_day
{columns}"""


def read_for_report(project: Path = DBT_PROJECT) -> PydanticSemanticManifest:
    """The definitions with marks in place of what is the night's to say: where the marts lie, and the currency."""
    return read_definitions(project, SCHEMA, currency=CURRENCY)


def report_files(definitions: PydanticSemanticManifest, project: Path = DBT_PROJECT) -> dict[Path, str]:
    """What the report's files should hold."""
    metrics = _reported(definitions)
    folder = project / FOLDER
    sql = sql_of(definitions, saved_query_name=SAVED_QUERY)
    sql = re.sub(rf'"\w+"\."{SCHEMA}"\."(\w+)"', r"{{ ref('\1') }}", sql).replace(CURRENCY, "{{ var('currency') }}")
    casts = ",\n".join(f"    cast(kpis.{m.name} as {meta_of(m)['data_type']}) as {m.name}" for m in metrics)
    return {
        folder / "rpt_kpis_daily.sql": MODEL.format(how=HOW, sql=_indented(sql), columns=casts),
        folder / "_metrics__models.yml": CONTRACT.format(how=HOW, columns="".join(map(_column, metrics))),
    }


def stale_files(definitions: PydanticSemanticManifest, project: Path = DBT_PROJECT) -> list[str]:
    """The report's files that are not what the metrics say."""
    wanted = report_files(definitions, project).items()
    return [path.name for path, text in wanted if not path.exists() or path.read_text(encoding="utf-8") != text]


def _reported(definitions: PydanticSemanticManifest) -> list[Any]:
    (saved_query,) = (query for query in definitions.saved_queries if query.name == SAVED_QUERY)
    metrics = {metric.name: metric for metric in definitions.metrics}
    return [metrics[name] for name in saved_query.query_params.metrics]


def _column(metric: Any) -> str:
    is_filled = metric.type_params.fill_nulls_with is not None
    never_null = "        constraints: [{type: not_null}]\n" if is_filled else ""
    return (
        f"      - name: {metric.name}\n"
        f"        data_type: {meta_of(metric)['data_type']}\n"
        f"        description: >\n          {' '.join(metric.description.split())}\n{never_null}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.strip().splitlines())
