from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.identity.cluster import NEVER, components, contract

NODES = 7
PAIRS = list(combinations(range(NODES), 2))
# Quarters add up without rounding, so that sums in another order are the same sums.
WEIGHTS = st.integers(-40, 40).map(lambda n: n / 4)
GRAPHS = st.dictionaries(st.sampled_from(PAIRS), st.one_of(WEIGHTS, st.just(NEVER)), max_size=len(PAIRS))


def edges_of(graph):
    return [(a, b, weight) for (a, b), weight in graph.items()]


def clusters(home):
    return sorted(sorted(node for node in home if home[node] == first) for first in set(home.values()))


def score(graph, home):
    """The evidence within clusters, for and against."""
    return sum(weight for (a, b), weight in graph.items() if home[a] == home[b])


def partitions(nodes):
    """Every way to put nodes into groups, as the group of each node."""
    found = [{}]
    for node in nodes:
        found = [{**home, node: group} for home in found for group in range(len(set(home.values())) + 1)]
    return found


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(0, 1, 0.5)], [[0, 1]], id="a pair"),
        pytest.param([(0, 1, 0.0), (1, 2, -1.0)], [[0], [1], [2]], id="no evidence is none"),
        pytest.param([(0, 1, 3.0), (1, 2, 2.0)], [[0, 1, 2]], id="a chain whose ends are not compared"),
        pytest.param(
            [(0, 1, 3.0), (1, 2, 2.0), (0, 2, -10.0)], [[0, 1], [2]], id="ends contradict: the weaker link goes"
        ),
        pytest.param([(0, 1, 2.0), (1, 2, 3.0), (0, 2, -10.0)], [[0], [1, 2]], id="wherever the weaker link is"),
        pytest.param([(0, 1, 3.0), (1, 2, 2.0), (0, 2, -1.5)], [[0, 1, 2]], id="a contradiction that is outweighed"),
        pytest.param(
            [(0, 1, 3.0), (1, 2, 2.0), (0, 2, -2.0)], [[0, 1], [2]], id="a contradiction as strong as the link"
        ),
        pytest.param([(0, 1, 2.0), (1, 2, 2.0), (0, 2, -9.0)], [[0, 1], [2]], id="equal links: the first nodes"),
        pytest.param(
            [(5, 9, 2.0), (1, 9, 2.0), (1, 5, -9.0)], [[1, 9], [5]], id="the first nodes, not the first edges"
        ),
        pytest.param([(0, 1, -4.0), (1, 0, 3.0)], [[0], [1]], id="edges of one pair add up, against"),
        pytest.param([(0, 1, 3.0), (1, 0, -1.0)], [[0, 1]], id="edges of one pair add up, for"),
        # 0 and 1 together draw 2 with 1 + 1; on their own both are weaker than 3 with 1.5.
        pytest.param(
            [(0, 1, 5.0), (0, 2, 1.0), (1, 2, 1.0), (2, 3, 1.5), (0, 3, -4.0), (1, 3, -4.0)],
            [[0, 1, 2], [3]],
            id="evidence of clusters adds up",
        ),
        # 1-2 was worth 4 until 1 became part of 0, who speaks against 2.
        pytest.param(
            [(0, 1, 5.0), (1, 2, 4.0), (0, 2, -3.0), (2, 3, 2.0), (0, 3, -9.0), (1, 3, -9.0)],
            [[0, 1], [2, 3]],
            id="evidence that was weighed anew counts as it is now",
        ),
    ],
)
def test_cases_worked_out_by_hand(edges, expected):
    assert clusters(contract(edges)) == expected


def test_never_wins_over_whatever_speaks_for_it():
    edges = [(0, 1, 2000.0), (2, 3, 2000.0), (0, 2, 900.0), (0, 3, 900.0), (1, 2, 900.0), (1, 3, NEVER)]
    assert clusters(contract(edges)) == [[0, 1], [2, 3]]


def test_never_is_inherited_by_whoever_joins():
    edges = [(0, 1, 9.0), (1, 2, NEVER), (2, 3, 8.0), (0, 3, 7.0), (3, 4, 6.0), (0, 4, 5.0)]
    assert clusters(contract(edges)) == [[0, 1], [2, 3, 4]]


@given(GRAPHS, st.randoms(use_true_random=False))
def test_neither_the_order_of_edges_nor_their_direction_counts(graph, random):
    shuffled = [(b, a, weight) if random.random() < 0.5 else (a, b, weight) for a, b, weight in edges_of(graph)]
    random.shuffle(shuffled)
    assert contract(shuffled) == contract(edges_of(graph))


@given(GRAPHS)
def test_nodes_count_by_their_order_alone(graph):
    spread = [(7 * a + 3, 7 * b + 3, weight) for a, b, weight in edges_of(graph)]
    assert contract(spread) == {7 * node + 3: 7 * first + 3 for node, first in contract(edges_of(graph)).items()}


@given(GRAPHS)
def test_each_cluster_is_named_by_its_smallest_node_and_hangs_together(graph):
    home = contract(edges_of(graph))
    assert set(home) == {node for pair in graph for node in pair}
    pairs = np.array([pair for pair, weight in graph.items() if weight > 0], dtype=np.int64).reshape(-1, 2)
    component = components(NODES, pairs[:, 0], pairs[:, 1])
    for cluster in clusters(home):
        assert home[cluster[0]] == cluster[0]
        assert len({component[node] for node in cluster}) == 1


@given(GRAPHS)
def test_in_the_end_no_two_clusters_would_rather_be_one(graph):
    home = contract(edges_of(graph))
    for one, other in combinations(set(home.values()), 2):
        assert sum(weight for (a, b), weight in graph.items() if {home[a], home[b]} == {one, other}) <= 0
    assert score(graph, home) >= 0
    assert all(home[a] != home[b] for (a, b), weight in graph.items() if weight == NEVER)


def test_it_is_the_best_clustering_or_close_to_it():
    random = np.random.default_rng(7)
    pairs = list(combinations(range(6), 2))
    every = partitions(range(6))
    is_best, reached = [], []
    for _ in range(150):
        graph = dict(zip(pairs, random.normal(0.0, 5.0, len(pairs)).round(3).tolist(), strict=True))
        best = max(score(graph, home) for home in every)
        made = score(graph, contract(edges_of(graph)))
        assert made <= best + 1e-6
        is_best.append(made >= best - 1e-6)
        reached.append(made / best)
    assert np.mean(is_best) > 0.6
    assert np.mean(reached) > 0.95


def test_components_are_named_by_their_smallest_node():
    left, right = np.array([4, 2, 6]), np.array([2, 1, 5])
    assert components(8, left, right).tolist() == [0, 1, 1, 3, 1, 5, 5, 7]


@pytest.mark.parametrize("count", [0, 3])
def test_without_links_each_node_is_a_component(count):
    none = np.empty(0, dtype=np.int64)
    assert components(count, none, none).tolist() == list(range(count))
