"""A link's weight, step by step: the prior, what each comparison says in bits, the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

from ml.identity.calibrate import DECIMALS
from ml.identity.model import Model
from ml.identity.settings import Linkage

PRIOR, CALIBRATION, UNTOLD = "prior", "calibration", "prior and calibration"
ROUNDED = 0.0015  # bits that two roundings to three decimals may differ by


@dataclass(frozen=True)
class Step:
    """One part of a weight: its name, what was found (empty if nothing names it) and its bits (log2 Bayes factor)."""

    name: str
    outcome: str
    bits: float


def waterfall(
    evidence: Mapping[str, float] | None, weight: float, linkage: Linkage, model: Model | None
) -> tuple[Step, ...]:
    """The steps that add up to a link's weight, contact before telling; none for a link without evidence.

    The calibration replaces the sum of prior and contact by the odds that pairs of such a sum really have; its step is
    the difference. Without the model the prior is not known and is part of that step.
    """
    if not evidence:
        return ()
    said = [name for name, bits in evidence.items() if bits]
    contact = [_step(name, evidence[name], model) for name in said if name not in linkage.telling]
    telling = [_step(name, evidence[name], model) for name in said if name in linkage.telling]
    prior = [] if model is None else [Step(PRIOR, "any two records", _prior_bits(model))]
    rest = weight - sum(step.bits for step in (*prior, *contact, *telling))
    calibration = Step(UNTOLD if model is None else CALIBRATION, "", round(rest, 3))
    return (*prior, *contact, calibration, *telling)


def _prior_bits(model: Model) -> float:
    probability = float(model.parameters["probability_two_random_records_match"])
    return round(log2(probability / (1 - probability)), 3)


def _step(name: str, bits: float, model: Model | None) -> Step:
    return Step(name, "" if model is None else _outcome(name, bits, model), bits)


def _outcome(name: str, bits: float, model: Model) -> str:
    """The label of the level with this weight; a level that weighs values by how common they are has many weights."""
    comparisons = {comparison["output_column_name"]: comparison for comparison in model.parameters["comparisons"]}
    levels = comparisons[name]["comparison_levels"] if name in comparisons else []
    known = [level for level in levels if not level.get("is_null_level")]
    calibrated = model.calibration.telling.get(name, {})
    for level in known:
        learned = log2(level["m_probability"] / level["u_probability"])
        if min(abs(learned - bits), abs(calibrated.get(f"{learned:.{DECIMALS}f}", learned) - bits)) < ROUNDED:
            return str(level["label_for_charts"])
    return next((str(level["label_for_charts"]) for level in known if level.get("tf_adjustment_column")), "")
