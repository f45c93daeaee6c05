"""Pairs of units with what speaks for them, and the clusters that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.identity.cluster import components, contract

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Pairs of units by their places (left < right), with what speaks for them in bits."""

    left: Ints
    right: Ints
    bits: Floats
    certain: Flags

    def chosen(self, which: Flags) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.left[which], self.right[which], self.bits[which], self.certain[which])

    def numbers(self, count: int) -> Ints:
        """A number for each pair of `count` units."""
        return self.left * count + self.right


NONE = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))


def clusters(count: int, pairs: Pairs) -> Ints:
    """The first unit of each one's cluster.

    What pairs with bits above 0 connect is one cluster where nothing contradicts it, else what contraction leaves.
    """
    speaking = pairs.bits > 0
    component = components(count, pairs.left[speaking], pairs.right[speaking])
    inside = component[pairs.left] == component[pairs.right]
    contested = np.zeros(count, dtype=np.bool_)
    contested[component[pairs.left[inside & (pairs.bits < 0)]]] = True
    chosen = inside & contested[component[pairs.left]]
    cluster = np.where(contested[component], np.arange(count), component)
    parts = (pairs.left[chosen], pairs.right[chosen], pairs.bits[chosen])
    home = contract(zip(*(part.tolist() for part in parts), strict=True))
    cluster[list(home)] = list(home.values())
    return cluster
