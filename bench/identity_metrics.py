"""How well clusters of records agree with the truth, counted from tables of contingency and never by listing pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

Labels = npt.NDArray


def score_clusters(truth: Labels, cluster: Labels, source: Labels | None = None) -> dict:
    """Precision, recall and F1 of pairs and of whole clusters, the largest cluster, and pairs by pair of sources.

    Parameters
    ----------
    truth, cluster, source
        For each record its true customer, its cluster and its source; equal lengths.

    Returns
    -------
    dict
        `pairs`: of two records, whether both say they are the same customer. `clusters`: a cluster counts only if it
        holds exactly the records of one true customer. `by_sources`: `pairs` for each two sources (a source with itself
        too), where there is anything to find.
    """
    true, found = pd.factorize(truth)[0], pd.factorize(cluster)[0]
    both = pd.factorize(true.astype(np.int64) * (found.max(initial=0) + 1) + found)[0]
    result = {
        "records": len(true),
        "pairs": _rates(*(_count_pairs(groups) for groups in (true, found, both))),
        "clusters": _exact(true, found, both),
        "largest_cluster": int(np.bincount(found).max(initial=0)),
    }
    if source is not None:
        result["by_sources"] = _by_sources(source, true, found, both)
    return result


def score_links(truth: Labels, left: Labels, right: Labels) -> dict:
    """Precision, recall and F1 of links as they are, before any clustering; `left` and `right` are rows of `truth`."""
    true = pd.factorize(truth)[0]
    links = np.unique(np.sort(np.column_stack([left, right]), axis=1), axis=0)
    right_ones = int((true[links[:, 0]] == true[links[:, 1]]).sum())
    return _rates(_count_pairs(true), len(links), right_ones)


def false_merges(truth: Labels, cluster: Labels, household: Labels, phones: list[list[str]] | None = None) -> dict:
    """Two different true people of one household in one cluster: how many pairs of people.

    Parameters
    ----------
    phones
        For each record its telephones; then the pairs that share one (in records of that cluster) are counted apart.
    """
    frame = pd.DataFrame({"truth": truth, "cluster": cluster, "household": household})
    people = frame.drop_duplicates()
    people = people[people.duplicated(["cluster", "household"], keep=False)]
    pairs = people.merge(people, on=["cluster", "household"], suffixes=("", "_other"))
    pairs = pairs[pairs["truth"] < pairs["truth_other"]]
    result = {
        "people": int(frame["truth"].nunique()),
        "false_merges": len(pairs[["truth", "truth_other"]].drop_duplicates()),
    }
    if phones is not None:
        result["false_merges_sharing_a_phone"] = _sharing(frame.assign(phone=phones), pairs)
    return result


def _sharing(frame: pd.DataFrame, pairs: pd.DataFrame) -> int:
    """Pairs of people of whom both have a record with the same telephone in the cluster where they are merged."""
    columns = ["truth", "cluster", "phone"]
    phones = frame.loc[frame["cluster"].isin(pairs["cluster"]), columns].explode("phone").dropna().drop_duplicates()
    other = phones.rename(columns={"truth": "truth_other"})
    both = pairs.merge(phones, on=["truth", "cluster"]).merge(other, on=["truth_other", "cluster", "phone"])
    return len(both[["truth", "truth_other"]].drop_duplicates())


def _count_pairs(groups: Labels) -> int:
    sizes = np.bincount(groups)
    return int((sizes * (sizes - 1) // 2).sum())


def _exact(true: Labels, found: Labels, both: Labels) -> dict:
    """Clusters that equal a true one: the part both share is as large as each."""
    first = pd.Series(both).drop_duplicates().index.to_numpy()
    shared = np.bincount(both)[both[first]]
    equal = (shared == np.bincount(true)[true[first]]) & (shared == np.bincount(found)[found[first]])
    return _rates(int(true.max(initial=-1)) + 1, int(found.max(initial=-1)) + 1, int(equal.sum()))


def _by_sources(source: Labels, true: Labels, found: Labels, both: Labels) -> dict:
    numbers, names = pd.factorize(source, sort=True)
    counts = [_pairs_by_source(groups, numbers) for groups in (true, found, both)]
    result = {}
    for one, first in enumerate(names):
        for two in range(one, len(names)):
            cells = [int(count[one, two]) for count in counts]
            if any(cells):
                result[f"{first} - {names[two]}"] = _rates(*cells)
    return result


def _pairs_by_source(groups: Labels, source: Labels) -> npt.NDArray[np.int64]:
    """Pairs of records of one group, for each pair of sources: (sources, sources), symmetric."""
    counts = csr_matrix((np.ones(len(groups), dtype=np.int64), (groups, source)))
    pairs = (counts.T @ counts).toarray()
    own = np.diag(pairs) - np.bincount(source)
    np.fill_diagonal(pairs, own // 2)
    return pairs


def _rates(true: int, found: int, right: int) -> dict:
    """Precision, recall and F1 of `right` among `found` and `true`; where there is nothing to find, all is found."""
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    f1 = 2 * right / (true + found) if true + found else 1.0
    return {
        "precision": round(precision, 5),
        "recall": round(recall, 5),
        "f1": round(f1, 5),
        "true": true,
        "found": found,
        "right": right,
    }
