"""How much sharing an address, a phone, a mail address really says, learned from pairs that share them, without labels.

Splink adds the weights of all comparisons as if they were independent. Those of a household are not: who shares the
phone shares the street and the surname too, and some children bear a parent's name. So among pairs in contact the
contact part of a weight is taken as one comparison with many outcomes (steps of two bits), and the share of true pairs
in each step and the telling comparisons' outcomes among strangers are fitted as a latent class model by
expectation-maximisation, with their outcomes among true pairs (m) as Splink learned them: Dempster, A. P., Laird, N.
M., Rubin, D. B. (1977), JRSS B 39(1), section 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
STEP = 2.0  # bits
MOST_UNSEEN = 8.0  # bits that a contact part in a step without experience counts at most
STRENGTH = 10.0  # pairs that the uncalibrated numbers are worth
ROUNDS = 300
MOST_BITS = 30.0
MOST_ASSUMED = 12.0  # bits of certainty that experience has to overcome at most
DECIMALS = 4  # of the weights by which outcomes are told apart


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of a telling comparison: weight (log2 m/u), share among true pairs (m) and among strangers (u)."""

    weight: Floats
    m: Floats
    u: Floats

    def places(self, weights: Floats) -> Ints:
        """The outcome of each pair by its weight; the number of outcomes where it is not known."""
        distance = np.abs(weights[:, None] - self.weight[None, :])
        place = distance.argmin(axis=1)
        is_known = (distance[np.arange(len(weights)), place] < 10.0**-DECIMALS) & (weights != 0)
        return np.where(is_known, place, len(self.weight))


@dataclass(frozen=True)
class Calibration:
    """Log2 odds for each step of the contact part, and new weights for outcomes of telling comparisons."""

    steps: Mapping[int, float] = field(default_factory=dict)
    telling: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def calibrate(contact: Floats, telling: Mapping[str, Floats], outcomes: Mapping[str, Outcomes]) -> Calibration:
    """Fit the calibration on pairs in contact.

    Parameters
    ----------
    contact : array of shape (n_pairs,)
        Bits of the contact part of each pair's weight, prior included.
    telling
        For each telling comparison the weight of each pair's outcome in bits, 0 where it is not known.
    outcomes
        For each telling comparison what Splink learned of its outcomes.
    """
    if not len(contact):
        return Calibration()
    step = np.floor(contact / STEP).astype(np.int64)
    places = [outcomes[name].places(weights) for name, weights in telling.items()]
    patterns, count = np.unique(np.column_stack([step, *places]), axis=0, return_counts=True)
    steps, at = np.unique(patterns[:, 0], return_inverse=True)
    of = [patterns[:, number + 1] for number in range(len(places))]
    m = np.prod([_known(outcomes[name].m)[of[n]] for n, name in enumerate(telling)], axis=0)
    strangers = {name: outcomes[name].u.copy() for name in telling}
    assumed = np.clip(1 / (1 + np.exp2(-(steps + 0.5) * STEP)), 2.0**-MOST_ASSUMED, 1 - 2.0**-MOST_ASSUMED)
    share, total = assumed.copy(), np.bincount(at, count)
    for _ in range(ROUNDS):
        u = np.prod([_known(strangers[name])[of[n]] for n, name in enumerate(telling)], axis=0)
        same = share[at] * m / (share[at] * m + (1 - share[at]) * u)
        share = (np.bincount(at, same * count) + STRENGTH * assumed) / (total + STRENGTH)
        for n, name in enumerate(telling):
            strangers[name] = _shares(of[n], (1 - same) * count, outcomes[name])
    share = np.clip(share, 2.0**-MOST_BITS, 1 - 2.0**-MOST_BITS)
    bits = np.log2(share / (1 - share)).round(6)
    return Calibration(
        dict(zip(steps.tolist(), bits.tolist(), strict=True)),
        {name: _weights(outcomes[name], strangers[name]) for name in telling},
    )


def _known(probability: Floats) -> Floats:
    """Probabilities by outcome, with 1 for what is not known."""
    return np.append(probability, 1.0)


def _shares(place: Ints, weight: Floats, outcomes: Outcomes) -> Floats:
    """The shares of the outcomes among strangers, who in contact agree no less often than any two."""
    counted = np.bincount(place, weight, minlength=len(outcomes.u) + 1)[: len(outcomes.u)]
    found = (counted + STRENGTH * outcomes.u) / (counted.sum() + STRENGTH)
    return np.where(outcomes.m > outcomes.u, np.maximum(found, outcomes.u), found)


def _weights(outcomes: Outcomes, strangers: Floats) -> dict[str, float]:
    new = np.log2(outcomes.m / strangers).round(6)
    return {f"{old:.{DECIMALS}f}": float(bits) for old, bits in zip(outcomes.weight, new, strict=True)}
