"""Scores of pairs: Splink's weights, calibrated by what is known of pairs in contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log2

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.identity.calibrate import DECIMALS, MOST_UNSEEN, STEP, Outcomes, calibrate
from ml.identity.model import Model, linker_of, train
from ml.identity.settings import Linkage, Settings
from ml.identity.workspace import columns, make_pairs, pairs_query, run

Floats = npt.NDArray[np.float64]
LEAST = -1e9  # bits below which no weight lies


def train_and_calibrate(connection: duckdb.DuckDBPyConnection, settings: Settings, linkage: Linkage) -> Model | None:
    """Train on the tables `profiles` and `blocks`; None if there is too little to learn from."""
    model = train(connection, settings, linkage)
    if model is None:
        return None
    query = pairs_query(linkage.contact_blocks)
    # Of more pairs than asked for, those that a hash picks.
    size = int(columns(connection, f"select count(*) as n from ({query})")["n"][0])
    share = max(1, -(-size // settings.training_pairs))
    make_pairs(connection, f"select * from ({query}) where hash(a, b) % {share} = 0")
    scored = _predict(connection, model)
    telling = _telling(model, linkage)
    parts = [f"mw_{name}" for name in telling]
    told = _told(model, linkage)
    chosen = ", ".join([f"match_weight - ({told}) as contact", f"{_agreeing(model, linkage)} as agreeing", *parts])
    rows = columns(connection, f"select {chosen} from {scored}")
    weights = {name: np.asarray(rows[f"mw_{name}"], dtype=np.float64) for name in telling}
    outcomes = {name: outcomes_of(model, name) for name in telling}
    run(connection, f"drop table {scored}")
    contact, agreeing = np.asarray(rows["contact"], np.float64), np.asarray(rows["agreeing"], np.int64)
    return replace(model, calibration=calibrate(contact, agreeing, weights, outcomes))


def score(
    connection: duckdb.DuckDBPyConnection, model: Model, linkage: Linkage, least_weight: float, into: str
) -> None:
    """Score the table `pairs` and make the table `into` of those with at least this weight (log2 odds).

    Its columns: unit_l, unit_r, weight, is_telling (whether the two can be told apart at all) and evidence (JSON: bits
    of each comparison, log2 Bayes factor; of telling ones as calibrated).
    """
    scored = _predict(connection, model)
    names = _comparisons(model)
    telling = _telling(model, linkage)
    raw = _told(model, linkage)
    _register_steps(connection, model)
    finals = {name: _calibrated(model, name) if name in telling else _weight(model, name) for name in names}
    evidence = ", ".join(f"'{name}': round(final_{name}, 3)" for name in names)
    known = " or ".join(f"mw_{name} <> 0" for name in telling) or "false"
    unseen = f"least(contact, {MOST_UNSEEN!r}) - ({_told_twice(model, linkage)})"
    total = " + ".join([f"coalesce(bits, {unseen})", *(f"final_{name}" for name in telling)])
    run(
        connection,
        f"""
        create or replace table {into} as
        with contacts as (select *, match_weight - ({raw}) as contact from {scored}),
        stepped as (
            select contacts.*, _steps.bits
            from contacts left join _steps
            on {_agreeing(model, linkage)} = _steps.agreeing and cast(floor(contact / {STEP}) as bigint) = _steps.step
        ),
        told as (select *, {", ".join(f"{final} as final_{name}" for name, final in finals.items())} from stepped),
        weighed as (select *, round({total}, 6) as weight from told)
        select unit_l, unit_r, weight, {known} as is_telling, cast(to_json({{{evidence}}}) as varchar) as evidence
        from weighed where weight >= {max(least_weight, LEAST)!r}
        """,
    )
    run(connection, f"drop table {scored}")
    connection.unregister("_steps")


def _register_steps(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Register `_steps` (agreeing, step, bits): what experience says of the contact part's outcomes."""
    steps = sorted(model.calibration.steps.items())
    names = {"agreeing": [key[0] for key, _ in steps], "step": [key[1] for key, _ in steps]}
    numbers = {name: pa.array(values, pa.int64()) for name, values in names.items()}
    connection.register("_steps", pa.table(numbers | {"bits": pa.array([bits for _, bits in steps], pa.float64())}))


def _agreeing(model: Model, linkage: Linkage) -> str:
    """A number for which comparisons of the contact part speak for a pair, and which against it."""
    contact = [name for name in _comparisons(model) if name not in linkage.telling]
    return " + ".join(f"(1 + cast(sign(round(mw_{name})) as bigint)) * {3**n}" for n, name in enumerate(contact)) or "0"


def outcomes_of(model: Model, name: str) -> Outcomes:
    """The outcomes of a comparison as Splink learned them; the last one stands for all others."""
    levels = [level for level in _comparison(model, name)["comparison_levels"] if not level.get("is_null_level")]
    m, u = (np.array([level[key] for level in levels]) for key in ("m_probability", "u_probability"))
    return Outcomes(np.log2(m / u), m / m.sum(), u / u.sum())


def _predict(connection: duckdb.DuckDBPyConnection, model: Model) -> str:
    """Let Splink weigh the table `pairs`; the name of its table."""
    linker = linker_of(connection, model.parameters)
    linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register("pairs"))
    return str(linker.inference.predict(warning_mode="never").physical_name)


def _comparison(model: Model, name: str) -> Mapping:
    return next(c for c in model.parameters["comparisons"] if c["output_column_name"] == name)


def _comparisons(model: Model) -> list[str]:
    return [comparison["output_column_name"] for comparison in model.parameters["comparisons"]]


def _telling(model: Model, linkage: Linkage) -> list[str]:
    return [name for name in linkage.telling if name in _comparisons(model)]


def _told(model: Model, linkage: Linkage) -> str:
    """The weight of all telling comparisons as Splink adds it up; the rest of a pair's weight is the contact part."""
    return " + ".join(_weight(model, name) for name in _telling(model, linkage)) or "0.0"


def _weight(model: Model, name: str) -> str:
    has_frequency = any(level.get("tf_adjustment_column") for level in _comparison(model, name)["comparison_levels"])
    return f"(mw_{name} + mw_tf_adj_{name})" if has_frequency else f"mw_{name}"


def _told_twice(model: Model, linkage: Linkage) -> str:
    """The weight of what an outcome tells of another comparison too."""
    parts = ["0.0"]
    for name in _telling(model, linkage):
        levels = _comparison(model, name)["comparison_levels"]
        weights = {level["label_for_charts"]: level for level in levels}
        for level in linkage.comparisons[name].levels:
            if level.holds in _comparisons(model):
                told = weights[level.label]
                bits = f"{log2(told['m_probability'] / told['u_probability']):.{DECIMALS}f}"
                parts.append(
                    f"case when round(mw_{name}, {DECIMALS}) = {bits} then {_weight(model, level.holds)} else 0.0 end"
                )
    return " + ".join(parts)


def _calibrated(model: Model, name: str) -> str:
    """The weight of a telling comparison: among pairs in contact what it says there, if that is less."""
    new = model.calibration.telling.get(name, {})
    if not new:
        return _weight(model, name)
    cases = " ".join(f"when round(mw_{name}, {DECIMALS}) = {old} then {bits!r}" for old, bits in new.items())
    weight = _weight(model, name)
    calibrated = f"least({weight}, case {cases} else {weight} end)"
    return f"case when bits is null or mw_{name} = 0 then {weight} else {calibrated} end"
