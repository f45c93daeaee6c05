"""How much sharing an address, a phone, a mail address really says, learned from pairs that share them, without labels.

Splink adds the weights of all comparisons as if they were independent. Those of a household are not: who shares the
phone shares the street and the surname too. So the contact part of a weight is taken as one comparison with many
outcomes (steps of two bits), and the share of true pairs in each step is the mixing weight of a two-component mixture,
fitted by expectation-maximisation with the telling part (given name, birth date) as known densities: Dempster, A. P.,
Laird, N. M., Rubin, D. B. (1977), JRSS B 39(1), section 4.3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STEP = 2.0  # bits
MOST_UNSEEN = 8.0  # bits that a contact part in a step without experience counts at most
STRENGTH = 10.0  # pairs that the uncalibrated weight is worth
ROUNDS = 200
MOST_BITS = 30.0


def calibrate(contact: Floats, telling: Floats) -> dict[int, float]:
    """For each step of the contact part (its number, floor(contact / STEP)) the log2 odds that stand for it.

    Parameters
    ----------
    contact, telling : arrays of shape (n_pairs,)
        The two parts of each pair's weight in bits (log2 Bayes factors; the contact part holds the prior).
    """
    if not len(contact):
        return {}
    step = np.floor(contact / STEP).astype(np.int64)
    steps, place = np.unique(step, return_inverse=True)
    factor = np.exp2(np.clip(telling, -MOST_BITS, MOST_BITS))
    count = np.bincount(place)
    assumed = 1 / (1 + np.exp2(-(steps + 0.5) * STEP))
    share = assumed.copy()
    for _ in range(ROUNDS):
        odds = share[place] * factor
        matches = np.bincount(place, odds / (odds + 1 - share[place]))
        share = (matches + STRENGTH * assumed) / (count + STRENGTH)
    share = np.clip(share, 2.0**-MOST_BITS, 1 - 2.0**-MOST_BITS)
    bits = np.log2(share / (1 - share)).round(6)
    return dict(zip(steps.tolist(), bits.tolist(), strict=True))
