"""What a training left behind: parameters, measures and the words a reader of the report needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

import pandas as pd
from kehu.warehouse.tables import connect


@dataclass(frozen=True)
class Fit:
    """One model fitted on one night."""

    model: str
    model_version: str
    method: str
    is_fallback: bool
    note: str
    count_customers: int
    parameters: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def save_fit(url: str, as_of_date: str, fit: Fit) -> None:
    """Replace the night's row of this model in `ml.fits`."""
    row = asdict(fit)
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ml.fits where as_of_date = $1::date and model = $2", [as_of_date, fit.model])
        cursor.execute(
            "insert into ml.fits (as_of_date, model, model_version, method, is_fallback, note, count_customers,"
            " parameters, metrics) values ($1::date, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb)",
            [
                as_of_date,
                row["model"],
                row["model_version"],
                row["method"],
                row["is_fallback"],
                row["note"],
                row["count_customers"],
                _json(row["parameters"]),
                _json(row["metrics"]),
            ],
        )


def night_of(snapshots: pd.DataFrame) -> str:
    """The night of a snapshot frame as ISO date."""
    return str(snapshots["as_of_date"].iloc[0])


def _json(values: dict[str, float]) -> str:
    # Ten significant digits: more would only carry the noise of another machine's linear algebra.
    return json.dumps({name: float(f"{value:.10g}") for name, value in values.items()}, sort_keys=True)
