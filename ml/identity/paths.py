"""Which links tie a customer's records together: from each record the chain of strongest links to the first record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree


def strongest_ties(records: Sequence[str], links: Sequence[tuple[str, str]]) -> dict[str, tuple[str, int]]:
    """Record -> the next record on its way to the first of `records`, and the number of the link between them.

    The ways are those of the maximum spanning tree: no other way has a stronger weakest link.

    Parameters
    ----------
    records
        The first one is where all ways lead. A record that no chain of links ties to it is not in the result.
    links
        Pairs of records, the strongest first; of two links of one pair the first counts.
    """
    place = {record: n for n, record in enumerate(records)}
    number: dict[tuple[int, int], int] = {}
    for n, (left, right) in enumerate(links):
        a, b = sorted((place[left], place[right]))
        if a != b:
            number.setdefault((a, b), n)
    if not number:
        return {}
    ends = np.array(list(number))
    # The order of strength as cost: weights may be equal or negative, which a sparse graph cannot tell from no edge.
    cost = np.array(list(number.values()), dtype=float) + 1
    graph = coo_matrix((cost, (ends[:, 0], ends[:, 1])), shape=(len(records), len(records)))
    order, parent = breadth_first_order(minimum_spanning_tree(graph), 0, directed=False)
    ties = {}
    for n in order[1:].tolist():
        a, b = sorted((n, int(parent[n])))
        ties[records[n]] = (records[int(parent[n])], number[a, b])
    return ties
