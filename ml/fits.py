"""What a training left behind: parameters, measures and the words a reader of the report needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date

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
    calibration: tuple[tuple[float, float, float], ...] = ()
    """Out of time, by bins of the prediction: mean prediction, observed mean, rows."""
    trained_as_of: date | None = None
    """The night whose features it learned from; None: the night itself."""
    training_failure: str | None = None
    """Why the last training failed, where it did."""


def save_fit(url: str, as_of_date: date, fit: Fit) -> None:
    """Replace the night's row of this model in `ml.fits`."""
    night = as_of_date.isoformat()
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ml.fits where as_of_date = $1::date and model = $2", [night, fit.model])
        cursor.execute(
            "insert into ml.fits (as_of_date, model, model_version, method, is_fallback, note, count_customers,"
            " parameters, metrics, trained_as_of, training_failure) values ($1::date, $2, $3, $4, $5, $6, $7,"
            " $8::text::jsonb, $9::text::jsonb, $10::date, $11)",
            [
                night,
                fit.model,
                fit.model_version,
                fit.method,
                fit.is_fallback,
                fit.note,
                fit.count_customers,
                _json(fit.parameters),
                _json(fit.metrics),
                (fit.trained_as_of or as_of_date).isoformat(),
                fit.training_failure,
            ],
        )


def _json(values: dict[str, float]) -> str:
    # Ten significant digits: more would only carry the noise of another machine's linear algebra.
    return json.dumps({name: float(f"{value:.10g}") for name, value in values.items()}, sort_keys=True)
