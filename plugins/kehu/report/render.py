"""One self-contained HTML file per run: no script, no outside reference, readable in light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kehu.report import charts
from kehu.report.data import NightData, read_night
from kehu.warehouse.runs import Night

MOVERS = 10


def report_path(folder: Path, night: Night) -> Path:
    """Where the report of a run lies."""
    return folder / f"nightly_{night.as_of_date}_run_{night.run_id}.html"


def write_report(url: str, night: Night, folder: Path) -> Path:
    """Read the published night, draw it, write the file in one move; return its path."""
    html = render(read_night(url, night))
    folder.mkdir(parents=True, exist_ok=True)
    path = report_path(folder, night)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(html, encoding="utf-8")
    unfinished.replace(path)
    return path


def render(data: NightData) -> str:
    """The report as HTML text."""
    environment = Environment(
        loader=PackageLoader("kehu.report", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "whole": whole,
        "money": money,
        "percent": percent,
        "decimal": decimal,
        "measures": measures,
    }
    totals = data.totals
    currency = totals["currency"] or ""
    movers = data["movers"].to_dict("records")
    return environment.get_template("nightly.html.j2").render(
        night=data.night,
        totals=totals,
        currency=currency,
        stages=data["stages"].to_dict("records"),
        sources=data["sources"].to_dict("records"),
        quality=data["quality"].to_dict("records"),
        identity=data["identity"].to_dict("records"),
        findings=data["findings"].to_dict("records"),
        accounts=data["accounts"].to_dict("records"),
        segments=data["segments"].to_dict("records"),
        fits=data.fits,
        monitors=data["monitors"].to_dict("records"),
        risers=[row for row in movers if row["customer_value_change"] > 0][:MOVERS],
        fallers=[row for row in reversed(movers) if row["customer_value_change"] < 0][:MOVERS],
        plots=_plots(data, currency),
        calibrations=_calibrations(data, currency),
    )


def _calibrations(data: NightData, currency: str) -> dict[str, Markup]:
    """The calibration plot of each model that has points."""
    units = {"churn": None, "value": currency}
    return {
        fit["model"]: Markup(charts.calibration(fit["model"], fit["calibration"], units.get(fit["model"])))
        for fit in data.fits
        if fit["calibration"]
    }


def _plots(data: NightData, currency: str) -> dict[str, Markup]:
    # Our own charts, drawn from numbers and escaped labels: the only markup the template takes as it is.
    return {
        "stages": Markup(charts.stage_times(data["stages"])),
        "gates": Markup(charts.gate_nights(data["gate_nights"])),
        "segments": Markup(charts.segment_sizes(data["segments"], currency)),
        "values": Markup(charts.value_distribution(data["scores"]["customer_value"].astype(float), currency)),
        "drift": Markup(charts.drift(data["monitors"])),
        "churn": Markup(charts.churn_distribution(data["scores"]["churn_probability"].astype(float))),
    }


def whole(value: Any) -> str:
    """A whole number with thousands separated, a dash for nothing."""
    return "–" if _is_missing(value) else f"{int(value):,}"


def money(value: Any) -> str:
    """An amount with two decimals and thousands separated."""
    return "–" if _is_missing(value) else f"{value:,.2f}"


def percent(value: Any) -> str:
    """A share between 0 and 1 as per cent with one decimal."""
    return "–" if _is_missing(value) else f"{value:.1%}"


def decimal(value: Any) -> str:
    """A number with up to three decimals."""
    # Adding zero makes a plain zero of a negative one.
    return "–" if _is_missing(value) else f"{round(float(value), 3) + 0.0:,.3f}".rstrip("0").rstrip(".")


def measures(metrics: Mapping[str, Any]) -> list[str]:
    """A model's measures in words, each with its interval where it has one (`<name>_lower`, `<name>_upper`)."""
    bounds = {f"{name}_{end}" for name in metrics for end in ("lower", "upper")}
    told = []
    for name, value in metrics.items():
        if name not in bounds:
            low, high = metrics.get(f"{name}_lower"), metrics.get(f"{name}_upper")
            interval = "" if low is None or high is None else f" [{decimal(low)}, {decimal(high)}]"
            told.append(f"{name.replace('_', ' ')} {decimal(value)}{interval}")
    return told


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # NaN is the only value that differs from itself
