"""The probabilistic model: Splink's, trained on the data itself, without labels.

Fellegi, I. P., Sunter, A. B. (1969), A Theory for Record Linkage, JASA 64(328), sections 2 and 3: the weight of a
comparison's outcome is log2(m / u), its probability among records of one customer (m) over that among strangers (u).
m is learned by expectation-maximisation, u from random pairs; how often strangers share a value such as a mail address
is counted among pairs whose names or birth dates contradict each other, since random pairs hardly ever share one.
"""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker

from ml.identity.calibrate import Calibration
from ml.identity.settings import Comparison, Level, Linkage, Settings
from ml.identity.workspace import LIST_COLUMNS, columns, pairs_query, run

log = logging.getLogger(__name__)
SEED = 1
RANDOM_PAIRS = 1_000_000
COMMON = 5  # values held by fewer units are as rare as can be told
RECALL = 0.7  # share of all true pairs that the prior's rules are taken to find
LEAST_M = 0.0005
LEAST_STRANGERS = 0.1  # share of random pairs with an outcome that are strangers at the least
LEAST_FILLED = 50  # units that must tell something for a comparison to be learned


@dataclass(frozen=True)
class Model:
    """A trained model: Splink's settings and parameters, how common the common values are, and its calibration."""

    parameters: dict[str, Any]
    commonness: dict[str, dict[str, float]]
    count_units: int
    calibration: Calibration = field(default_factory=Calibration)


def comparisons_of(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> dict[str, Comparison]:
    """The comparisons that the data tell enough about."""
    counts = {name: f"count({comparison.needs}) as {name}" for name, comparison in linkage.comparisons.items()}
    if not counts:
        return {}
    filled = columns(connection, f"select {', '.join(counts.values())} from profiles")
    return {name: linkage.comparisons[name] for name in counts if filled[name][0] >= LEAST_FILLED}


def train(connection: duckdb.DuckDBPyConnection, settings: Settings, linkage: Linkage) -> Model | None:
    """Train on the tables `profiles` and `blocks`; None if there is too little to learn from."""
    active = comparisons_of(connection, linkage)
    size = int(columns(connection, "select count(*) as n from profiles")["n"][0])
    prior = _prior(connection, linkage, size)
    if not active or not prior:
        return None
    commonness = {name: _commonness(connection, name) for name in linkage.frequency}
    exact = {level.exact for comparison in active.values() for level in comparison.levels if level.exact}
    strangers = {name: _strangers_share(connection, linkage, name, settings.block_cap) for name in sorted(exact)}
    untrained = Model(_splink_settings(active, prior, strangers), commonness, size)
    add_frequencies(connection, untrained, linkage)
    linker = linker_of(connection, untrained.parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED, min_count_per_level=None)
        for rule in linkage.training_blocks:
            _learn(connection, linker, settings, rule)
        for rule in linkage.fallback_blocks:
            if _is_unlearned(linker):
                _learn(connection, linker, settings, rule)
    trained = json.loads(json.dumps(linker.misc.save_model_to_json()))
    return Model(_completed(trained), commonness, size)


def _learn(connection: duckdb.DuckDBPyConnection, linker: Linker, settings: Settings, rule: str) -> None:
    """One round of expectation-maximisation among the pairs that a rule brings together."""
    if _brings_pairs(connection, rule):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, max_pairs=settings.training_pairs, estimate_without_term_frequencies=True
        )


def _is_unlearned(linker: Linker) -> bool:
    """Whether nothing is known of some comparison among true pairs."""
    comparisons = linker.misc.save_model_to_json()["comparisons"]
    return any(
        all("m_probability" not in level for level in comparison["comparison_levels"] if not level.get("is_null_level"))
        for comparison in comparisons
    )


def _completed(parameters: dict[str, Any]) -> dict[str, Any]:
    """Outcomes that never occurred in training are taken to be as rare as training could tell.

    Random pairs hold true ones, which in a small set are most of those that agree: they are taken out of u.
    """
    parameters.pop("linker_uid", None)
    prior = parameters["probability_two_random_records_match"]
    for comparison in parameters["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            if level.get("m_probability") is None and level.get("u_probability") is None:
                level["m_probability"] = level["u_probability"] = LEAST_M  # never seen: it says nothing
                continue
            # Threads add up in any order: the last digits are chance.
            m = level["m_probability"] = max(float(f"{level.get('m_probability') or 0.0:.10g}"), LEAST_M)
            u = level.get("u_probability") or 1 / RANDOM_PAIRS
            if not level.get("fix_u_probability"):
                u = max((u - prior * m) / (1 - prior), LEAST_STRANGERS * u)
            level["u_probability"] = float(f"{u:.10g}")
    return parameters


def _prior(connection: duckdb.DuckDBPyConnection, linkage: Linkage, size: int) -> float:
    """The probability that two random units are the same, by values that hardly ever are shared by two."""
    if size < 2 or not linkage.prior_blocks:
        return 0.0
    query = pairs_query(linkage.prior_blocks)
    count = int(columns(connection, f"select count(*) as n from ({query})")["n"][0])
    return min(0.5, count / RECALL / (size * (size - 1) / 2))


def _commonness(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, float]:
    """How large a share of the units holds each of the common values of a column."""
    query = f"""
        select {name} as value, count(*) as n, sum(count(*)) over () as total
        from profiles where {name} is not null group by 1 qualify n >= {COMMON} order by 1
    """
    rows = columns(connection, query)
    return {
        value: float(n) / float(total) for value, n, total in zip(rows["value"], rows["n"], rows["total"], strict=True)
    }


def add_frequencies(connection: duckdb.DuckDBPyConnection, model: Model, linkage: Linkage) -> None:
    """Add to `profiles` the columns that Splink reads a value's frequency from.

    Rare values count as held by two, those made of parts as if the parts were drawn independently.
    """
    rare = 2 / max(model.count_units, 2)
    for name, parts in linkage.frequency.items():
        common = model.commonness.get(name, {})
        rows = {"held": pa.array(common, pa.string()), "share": pa.array(common.values(), pa.float64())}
        connection.register("_common", pa.table(rows))
        product = " * ".join(f"tf_{part}" for part in parts)
        share = f"coalesce(share, {product + ',' if parts else ''} {rare!r})"
        run(
            connection,
            f"""
            create or replace table profiles as
            select profiles.*, case when {name} is not null then {share} end as tf_{name}
            from profiles left join _common on {name} = held
            """,
        )
        connection.unregister("_common")


def _strangers_share(connection: duckdb.DuckDBPyConnection, linkage: Linkage, name: str, cap: int) -> float:
    """How often two strangers share a value: pairs that do although they contradict each other, among all pairs."""
    value = f"unnest({name})" if name in LIST_COLUMNS else name
    query = f"""
        with held as (select unit, {value} as value from profiles where {name} is not null),
        used as (select value from held group by value having count(*) between 2 and {cap}),
        pairs as (
            select distinct a.unit as a, b.unit as b
            from held as a inner join used using (value) inner join held as b on a.value = b.value and a.unit < b.unit
        )
        select
            count(*) filter ({linkage.contradiction}) as n,
            (select count({name}) from profiles) as filled
        from pairs
        inner join profiles as l on pairs.a = l.unit
        inner join profiles as r on pairs.b = r.unit
    """
    row = columns(connection, query)
    filled = float(row["filled"][0])
    return max(float(row["n"][0]), 0.5) / max(filled * (filled - 1) / 2, 1.0)


def _brings_pairs(connection: duckdb.DuckDBPyConnection, rule: str) -> bool:
    query = f"select 1 as one from profiles as l inner join profiles as r on l.unit < r.unit and {rule} limit 100"
    return len(columns(connection, query)["one"]) >= 100


def _splink_settings(active: dict[str, Comparison], prior: float, strangers: dict[str, float]) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unit",
        "probability_two_random_records_match": prior,
        "comparisons": [_splink_comparison(name, comparison, strangers) for name, comparison in active.items()],
        "blocking_rules_to_generate_predictions": ["l.unit = r.unit"],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "em_convergence": 0.001,
        "max_iterations": 15,
    }


def _splink_comparison(name: str, comparison: Comparison, strangers: dict[str, float]) -> dict[str, Any]:
    needs = comparison.needs
    missing = {
        "sql_condition": f"{needs}_l is null or {needs}_r is null",
        "label_for_charts": "not known",
        "is_null_level": True,
    }
    levels = [_splink_level(level, strangers) for level in comparison.levels]
    other = {"sql_condition": "ELSE", "label_for_charts": "different"}
    return {"output_column_name": name, "comparison_levels": [missing, *levels, other]}


def _splink_level(level: Level, strangers: dict[str, float]) -> dict[str, Any]:
    setting: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.label}
    if level.frequency:
        setting |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": 1.0}
        setting |= {"disable_tf_exact_match_detection": True}
    if level.exact:
        setting |= {"u_probability": strangers[level.exact], "fix_u_probability": True}
    return setting


def linker_of(connection: duckdb.DuckDBPyConnection, parameters: dict[str, Any]) -> Linker:
    """Splink's linker over the table `profiles`."""
    linker = Linker(DuckDBAPI(connection).register("profiles"), parameters)
    logging.getLogger("splink").setLevel(logging.ERROR)
    return linker
