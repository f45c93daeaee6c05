"""How much sharing an address, a phone, a mail address really says, learned from pairs that share them, without labels.

Splink adds the weights of all comparisons as if they were independent. Those of a household are not: who shares the
phone shares the street and the surname too, and some children bear a parent's name. So among pairs in contact the
contact part of a weight is taken as one comparison with many outcomes (which of its comparisons agree, and steps of two
bits), and the share of true pairs in each outcome and the telling comparisons' outcomes among strangers are fitted as a
latent class model by expectation-maximisation, with their outcomes among true pairs (m) as Splink learned them:
Dempster, A. P., Laird, N. M., Rubin, D. B. (1977), JRSS B 39(1), section 4.3. The classes must not change places: nine
in ten strangers at least are taken to disagree in each telling comparison.
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
MOST_AGREEING = 0.1  # share of strangers in contact who agree on what tells people apart, at the most
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
    """Log2 odds of each outcome (what agrees, step) of the contact part; new weights of the telling outcomes."""

    steps: Mapping[tuple[int, int], float] = field(default_factory=dict)
    telling: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def calibrate(
    contact: Floats, agreeing: Ints, telling: Mapping[str, Floats], outcomes: Mapping[str, Outcomes]
) -> Calibration:
    """Fit the calibration on pairs in contact.

    Parameters
    ----------
    contact : array of shape (n_pairs,)
        Bits of the contact part of each pair's weight, prior included.
    agreeing : array of shape (n_pairs,)
        Which of the contact part's comparisons speak for the pair and which against it: a number for each pattern.
    telling
        For each telling comparison the weight of each pair's outcome in bits, 0 where it is not known.
    outcomes
        For each telling comparison what Splink learned of its outcomes.
    """
    if not len(contact):
        return Calibration()
    step = np.floor(contact / STEP).astype(np.int64)
    places = [outcomes[name].places(weights) for name, weights in telling.items()]
    patterns, count = np.unique(np.column_stack([agreeing, step, *places]), axis=0, return_counts=True)
    cells, at = np.unique(patterns[:, :2], axis=0, return_inverse=True)
    of = [patterns[:, number + 2] for number in range(len(places))]
    m = np.prod([_known(outcomes[name].m)[of[n]] for n, name in enumerate(telling)], axis=0)
    strangers = {name: outcomes[name].u.copy() for name in telling}
    assumed = np.clip(1 / (1 + np.exp2(-(cells[:, 1] + 0.5) * STEP)), 2.0**-MOST_ASSUMED, 1 - 2.0**-MOST_ASSUMED)
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
        {(int(those), int(step)): float(value) for (those, step), value in zip(cells, bits, strict=True)},
        {name: _weights(outcomes[name], strangers[name]) for name in telling},
    )


def _known(probability: Floats) -> Floats:
    """Probabilities by outcome, with 1 for what is not known."""
    return np.append(probability, 1.0)


def _shares(place: Ints, weight: Floats, outcomes: Outcomes) -> Floats:
    """The shares of the outcomes among strangers, who in contact agree no less often than any two."""
    counted = np.bincount(place, weight, minlength=len(outcomes.u) + 1)[: len(outcomes.u)]
    found = (counted + STRENGTH * outcomes.u) / (counted.sum() + STRENGTH)
    agrees = outcomes.m > outcomes.u
    found = np.where(agrees, np.maximum(found, outcomes.u), found)
    agreeing = found[agrees].sum()
    if agreeing <= MOST_AGREEING:
        return found
    return np.where(agrees, found * MOST_AGREEING / agreeing, found * (1 - MOST_AGREEING) / (1 - agreeing))


def _weights(outcomes: Outcomes, strangers: Floats) -> dict[str, float]:
    new = np.log2(outcomes.m / strangers).round(6)
    return {f"{old:.{DECIMALS}f}": float(bits) for old, bits in zip(outcomes.weight, new, strict=True)}
