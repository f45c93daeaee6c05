"""Units that tell how to reach somebody and not who it is: each hangs on to one customer at most, and joins no two."""

from __future__ import annotations

import numpy as np

from ml.identity.pairs import Flags, Floats, Ints, Pairs, clusters


def hang_on(pairs: Pairs, fixed: Flags, mute: Flags, component: Ints, link_weight: float) -> Pairs:
    """The pairs without those by which a mute unit would join several customers.

    Of several customers a unit belongs to one. With odds o for the best and r for all others, the odds are o / (1 + r);
    where that is too little for a link, it hangs on to none. Of what is left it keeps the strongest.

    Parameters
    ----------
    pairs, mute, component
        Pairs of units; by the units' places whether each is mute, and which component it lies in.
    fixed
        Which of the pairs stay whatever else there is: certain ones and decisions.
    link_weight
        Log2 odds from which two are linked; `pairs` have their bits above it.
    """
    one, both = mute[pairs.left] ^ mute[pairs.right], mute[pairs.left] & mute[pairs.right]
    has_mute = np.zeros(len(mute), dtype=np.bool_)
    has_mute[component[mute]] = True
    home = clusters(len(mute), pairs.chosen(~one & ~both & has_mute[component[pairs.left]]))
    allowed, settled = _allowed(pairs.chosen(one), fixed[one], mute, home, link_weight)
    open_ = both.copy()
    open_[np.flatnonzero(one)[allowed]] = True
    return _strongest_each(pairs, fixed | ~(one | both), open_, mute, settled)


def _allowed(pairs: Pairs, fixed: Flags, mute: Flags, home: Ints, link_weight: float) -> tuple[Flags, set[int]]:
    """Which pairs of a mute unit and another one lead to the customer it belongs to; the units that are settled."""
    unit = np.where(mute[pairs.left], pairs.left, pairs.right)
    there = home[np.where(mute[pairs.left], pairs.right, pairs.left)]
    place = unit * len(mute) + there
    barred = np.isin(place, place[np.isneginf(pairs.bits)])
    speaking = (pairs.bits > 0) & ~barred
    # The strongest pair of each unit and customer: fixed ones first.
    order = np.lexsort((there, -pairs.bits, ~fixed, unit, ~speaking))[: speaking.sum()]
    _, first = np.unique(place[order], return_index=True)
    strongest = order[np.sort(first)]
    owner, best, at = np.unique(unit[strongest], return_index=True, return_inverse=True)
    odds = np.exp2(np.minimum(pairs.bits[strongest] + link_weight, 1000.0))
    odds[best] = 0.0
    rival: Floats = np.log2(1 + np.bincount(at, odds, len(owner)))
    chosen = strongest[best]
    likely = fixed[chosen] | (pairs.bits[chosen] >= rival)
    allowed = np.isin(place, place[chosen[likely]]) & speaking
    return allowed, set(unit[chosen[fixed[chosen]]].tolist())


def _strongest_each(pairs: Pairs, kept: Flags, open_: Flags, mute: Flags, settled: set[int]) -> Pairs:
    """The kept pairs, and of the open ones the strongest of each mute unit that is not settled."""
    kept, taken = kept.copy(), set(settled)
    order = np.lexsort((pairs.right, pairs.left, -pairs.bits))
    for n in order[(open_ & ~kept)[order]].tolist():
        for unit in (int(pairs.left[n]), int(pairs.right[n])):
            if mute[unit] and unit not in taken:
                taken.add(unit)
                kept[n] = True
                break
    return pairs.chosen(kept)
