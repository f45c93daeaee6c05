"""The metrics of the dbt project as MetricFlow sees them, and the SQL it makes of a question. Needs no warehouse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from kehu.paths import DBT_PROJECT, state_folder

MARTS = "marts"


class DefinitionError(RuntimeError):
    """dbt cannot read the definitions; the message is dbt's."""


class _Postgres:
    """All that MetricFlow needs to know of a warehouse to write SQL for it."""

    sql_engine_type = SqlEngine.POSTGRES
    sql_plan_renderer = PostgresSQLSqlPlanRenderer()


def read_definitions(
    project: Path = DBT_PROJECT, schema: str = MARTS, database: str = "warehouse", **variables: str
) -> PydanticSemanticManifest:
    """Parse the dbt project as if its marts lay in `schema`, and return what it says of metrics."""
    target = state_folder() / "metrics" / schema
    target.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", "parse", "--target-path", str(target)]
    command += ["--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(target)]
    command += ["--vars", json.dumps({"run_schema": schema, **variables})]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "KEHU_DBT_DATABASE": database}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DefinitionError((done.stdout + done.stderr).strip())
    text = (target / "semantic_manifest.json").read_text(encoding="utf-8")
    definitions = parse_manifest_from_dbt_generated_manifest(text)
    # dbt lists what it read anew last, and MetricFlow numbers what it finds: sorted, old edits leave no trace.
    definitions.semantic_models.sort(key=lambda model: model.name)
    definitions.metrics.sort(key=lambda metric: metric.name)
    return definitions


def problems(definitions: PydanticSemanticManifest) -> list[str]:
    """What MetricFlow objects to, and what the project asks of each metric beyond that; one line each."""
    found = SemanticManifestValidator().validate_semantic_manifest(definitions)
    lines = [issue.as_readable_str(verbose=False) for issue in found.all_issues]
    for metric in definitions.metrics:
        meta = meta_of(metric)
        lacks = [key for key in ("owner", "group", "data_type") if not meta.get(key)]
        lacks += [name for name in ("label", "description") if not getattr(metric, name)]
        lines += [f"metric {metric.name} has no {name}" for name in lacks]
    return lines


def meta_of(metric: Any) -> dict[str, Any]:
    """The metric's meta: owner, group, type of its values."""
    return dict(metric.config.meta) if metric.config else {}


def scale_of(metric: Any) -> int:
    """Digits behind the point that the type of the metric's values has."""
    digits = re.search(r",\s*(\d+)\)$", meta_of(metric)["data_type"])
    return int(digits[1]) if digits else 0


def engine(definitions: PydanticSemanticManifest) -> MetricFlowEngine:
    """MetricFlow on these definitions; it explains, it does not query."""
    return MetricFlowEngine(SemanticManifestLookup(definitions), _Postgres())


def sql_of(definitions: PydanticSemanticManifest, **question: Any) -> str:
    """The SQL that answers a question, in MetricFlow's own terms (`MetricFlowQueryRequest.create`)."""
    statement = engine(definitions).explain(MetricFlowQueryRequest.create(**question)).sql_statement
    return str(statement.without_descriptions.sql)
