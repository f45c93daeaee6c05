"""Whom units that tell nothing of who somebody is hang on to: small graphs whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from ml.identity.cluster import NEVER, components
from ml.identity.group import DECIDED, NAMED
from ml.identity.mute import hang_on
from ml.identity.pairs import Pairs, clusters

LINK_WEIGHT = 2.0


def customers(edges, mute, keys=()):
    """The customers of units a, b, c, … as words; `edges` in bits, `keys` those of them that a certain key made."""
    names = sorted({name for pair in edges for name in pair})
    places = {name: n for n, name in enumerate(names)}
    ends = np.array([[places[name] for name in pair] for pair in sorted(edges)])
    bits = np.array([edges[pair] for pair in sorted(edges)], dtype=np.float64)
    fixed = np.array([pair in keys or abs(edges[pair]) >= DECIDED for pair in sorted(edges)])
    flags = np.array([name in mute for name in names])
    component = components(len(names), ends[:, 0], ends[:, 1])
    pairs = Pairs(ends[:, 0], ends[:, 1], bits, np.zeros(len(bits), dtype=np.bool_))
    cluster = clusters(len(names), hang_on(pairs, fixed, flags, component, LINK_WEIGHT))
    return {"".join(name for name, c in zip(names, cluster, strict=True) if c == home) for home in set(cluster)}


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"xm": 2}, {"mx"}),
        ({"xy": -5, "mx": 2, "my": 2}, {"m", "x", "y"}),
        ({"xy": -5, "mx": 10, "my": 2}, {"mx", "y"}),
        ({"xy": -5, "mx": 4, "my": 3}, {"m", "x", "y"}),
        # Nothing tells that the two are one, either.
        ({"mx": 2, "my": 2}, {"m", "x", "y"}),
        ({"xy": 1, "mx": 2, "my": 2}, {"mxy"}),
        # One customer, although two of its three are unlike.
        ({"xy": -0.5, "xz": 8, "yz": 8, "mx": 4, "my": 4}, {"mxyz"}),
        # What several of one customer say counts as what the strongest says.
        ({"xy": 8, "xz": -5, "yz": -5, "mx": 3, "my": 3, "mz": 3}, {"m", "xy", "z"}),
    ],
)
def test_of_several_the_likely_one_and_else_none(edges, found):
    assert customers({tuple(sorted(pair)): bits for pair, bits in edges.items()}, {"m"}) == found


def test_a_key_settles_it_and_brings_nobody_else():
    edges = {("m", "x"): NAMED, ("m", "y"): 8.0, ("x", "y"): -5.0}
    assert customers(edges, {"m"}, keys={("m", "x")}) == {"mx", "y"}


def test_decisions_settle_it_from_each_side():
    torn = {("m", "x"): 2.0, ("m", "y"): 2.0, ("x", "y"): -5.0}
    assert customers(torn | {("m", "x"): DECIDED}, {"m"}) == {"mx", "y"}
    assert customers(torn | {("m", "y"): NEVER}, {"m"}) == {"mx", "y"}
    assert customers(torn | {("x", "y"): DECIDED}, {"m"}) == {"mxy"}


def test_mute_ones_hang_together_and_join_no_two():
    chain = {("m", "n"): 8.0, ("n", "x"): 3.0}
    assert customers(chain, {"m", "n"}) == {"mnx"}
    between = customers(chain | {("m", "y"): 3.0}, {"m", "n"})
    assert any("mn" in customer for customer in between)
    assert not any({"x", "y"} <= set(customer) for customer in between)
    assert customers({("m", "n"): 8.0}, {"m", "n"}) == {"mn"}
