"""Clusters from weighted pairs: units join while the evidence between their clusters, for and against, is for it.

Connected components would join everybody that a chain of links connects, however much its ends contradict each other.
Instead this is greedy additive edge contraction for correlation clustering: Keuper, M. et al. (2015), Efficient
Decomposition of Image and Mesh Graphs by Lifted Multicuts, ICCV, algorithm 1; Bansal, N., Blum, A., Chawla, S. (2004),
Correlation Clustering, Machine Learning 56.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Edge = tuple[int, int, float]
NEVER = float("-inf")


def components(count: int, left: Ints, right: Ints) -> Ints:
    """The smallest member of each node's connected component; nodes are numbered from 0."""
    if not len(left):
        return np.arange(count)
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    first = np.full(label.max() + 1, count)
    np.minimum.at(first, label, np.arange(count))
    return first[label]


def contract(edges: Iterable[Edge]) -> dict[int, int]:
    """Join nodes greedily by the strongest evidence between clusters; the smallest node of each node's cluster.

    The evidence between two clusters is the sum over their pairs; a pair that is not given says nothing. `NEVER`
    forbids a cluster. Equal evidence is taken in the order of the nodes, so that the result depends on nothing else.
    """
    between: dict[int, dict[int, float]] = defaultdict(dict)
    for a, b, weight in edges:
        between[a][b] = between[b][a] = between[a].get(b, 0.0) + weight
    home = {node: node for node in between}
    members = {node: [node] for node in between}
    heap = [(-weight, a, b) for a, others in between.items() for b, weight in others.items() if a < b and weight > 0]
    heapq.heapify(heap)
    while heap:
        negative, a, b = heapq.heappop(heap)
        if between.get(a, {}).get(b) != -negative:
            continue  # one of them has been joined or weighed anew since
        _join(between, a, b, heap)
        for node in members[b]:
            home[node] = a
        members[a] += members.pop(b)
    return home


def _join(between: dict[int, dict[int, float]], a: int, b: int, heap: list[tuple[float, int, int]]) -> None:
    """Let cluster `b` be part of `a` (a < b)."""
    lost = between.pop(b)
    del between[a][b]
    for other, weight in lost.items():
        if other == a:
            continue
        del between[other][b]
        total = round(between[a].get(other, 0.0) + weight, 6)
        between[a][other] = between[other][a] = total
        if total > 0:
            heapq.heappush(heap, (-total, min(a, other), max(a, other)))
