"""Two ways to assign records to customers, side by side: what became of the customers, the links, and which pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.identity.cluster import components

UNCHANGED, MERGED, SPLIT, REGROUPED = "unchanged", "merged", "split", "regrouped"
OUTCOMES = (UNCHANGED, MERGED, SPLIT, REGROUPED)
SIZES = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, None))
TOGETHER, APART = "together", "apart"
EXAMPLES = 20
PAIR = ["left_key", "right_key", "rule"]


@dataclass(frozen=True)
class Shape:
    """How many customers there are, the records of the largest one, and customers by number of records (`SIZES`)."""

    count_customers: int
    count_largest: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """Customers before and after that share records with each other only, by what became of them; their records."""

    outcome: str
    count_before: int
    count_after: int
    count_records: int


@dataclass(frozen=True)
class RuleChange:
    """Links within customers by rule: those there are in both, those gained, those lost."""

    rule: str
    count_kept: int
    count_gained: int
    count_lost: int


@dataclass(frozen=True)
class Example:
    """A link whose records would come together or apart."""

    change: str
    left_key: str
    right_key: str
    rule: str
    probability: float


def shape(customers: pd.Series) -> Shape:
    """The shape of an assignment, from the customer id of each record."""
    counts = customers.value_counts().to_numpy()
    sizes = tuple(int(((counts >= least) & (counts <= (most or np.inf))).sum()) for least, most in SIZES)
    return Shape(len(counts), int(counts.max(initial=0)), sizes)


def outcomes(before: pd.Series, after: pd.Series) -> tuple[Outcome, ...]:
    """What became of the customers, from both customer ids of each record.

    Customers are taken together while they share a record: one and one are unchanged, several and one merged, one and
    several split, several and several regrouped.
    """
    old, new = pd.factorize(before)[0], pd.factorize(after)[0]
    count = int(old.max(initial=-1)) + 1
    group = components(count + int(new.max(initial=-1)) + 1, old, new + count)[old]
    frame = pd.DataFrame({"group": group, "before": old, "after": new})
    sizes = frame.groupby("group").agg(
        before=("before", "nunique"), after=("after", "nunique"), records=("after", "size")
    )
    names = np.select(
        [(sizes["before"] == 1) & (sizes["after"] == 1), sizes["after"] == 1, sizes["before"] == 1],
        [UNCHANGED, MERGED, SPLIT],
        REGROUPED,
    )
    sums = sizes.groupby(names).sum().reindex(list(OUTCOMES), fill_value=0)
    return tuple(
        Outcome(str(name), *(int(value) for value in row))
        for name, row in zip(sums.index, sums.to_numpy(), strict=True)
    )


def rule_changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[RuleChange, ...]:
    """Links within customers by rule, from two tables of links."""
    held = [links.loc[links["is_same_customer"], PAIR] for links in (before, after)]
    joined = held[0].merge(held[1], on=PAIR, how="outer", indicator=True)
    counts = pd.crosstab(joined["rule"], joined["_merge"].astype(str))
    counts = counts.reindex(columns=["both", "right_only", "left_only"], fill_value=0).sort_index()
    return tuple(
        RuleChange(str(rule), *(int(n) for n in row)) for rule, row in zip(counts.index, counts.to_numpy(), strict=True)
    )


def examples(table: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> tuple[Example, ...]:
    """Links that bring records together or lose them, the most doubtful first, each half of `EXAMPLES` at most.

    Parameters
    ----------
    table
        record_key, before and after: both customer ids of each record.
    before, after
        The links of each.
    """
    ids = table.set_index("record_key")
    found = []
    for change, links in ((TOGETHER, after), (APART, before)):
        # Less likely ones than not lie within one customer by others' doing.
        held = links[links["is_same_customer"] & (links["match_probability"] > 0.5)]
        was, becomes = (_is_one(held, ids[column]) for column in ("before", "after"))
        changed = held[was != becomes].sort_values(["match_probability", *PAIR]).head(EXAMPLES // 2)
        rows = changed[[*PAIR, "match_probability"]].itertuples(index=False, name=None)
        found += [Example(change, left, right, rule, float(probability)) for left, right, rule, probability in rows]
    return tuple(found)


def _is_one(links: pd.DataFrame, customer: pd.Series) -> pd.Series:
    """Whether both ends of each link belong to one customer; those of records that have none do not."""
    return links["left_key"].map(customer) == links["right_key"].map(customer)
