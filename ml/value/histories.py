"""Purchase histories as sufficient statistics: equal histories are counted once, before any fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.value.likelihood import Array


@dataclass(frozen=True)
class Histories:
    """Distinct repeat-purchase histories and how many customers share each; arrays of one length.

    Attributes
    ----------
    x
        Repeat purchases.
    t_x
        Time from the first to the last purchase.
    age
        Time from the first purchase to the end of observation (T in the papers), in the unit of `t_x`.
    weight
        Customers with this history.
    """

    x: Array
    t_x: Array
    age: Array
    weight: Array

    @classmethod
    def group(cls, x: Array, t_x: Array, age: Array) -> Histories:
        """Group customers by equal history.

        Raises
        ------
        ValueError
            If a history is impossible: negative, not finite, `t_x` beyond `age`, or `t_x` without a repeat.
        """
        table = np.column_stack([x, t_x, age]).astype(float)
        bad = ~np.isfinite(table).all(axis=1) | (table < 0).any(axis=1) | (table[:, 1] > table[:, 2])
        bad |= (table[:, 0] == 0) != (table[:, 1] == 0)
        if bad.any():
            raise ValueError(f"{int(bad.sum())} impossible histories, the first in row {int(np.argmax(bad))}")
        distinct, counts = np.unique(table, axis=0, return_counts=True)
        return cls(distinct[:, 0], distinct[:, 1], distinct[:, 2], counts.astype(float))

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Histories:
        """Group the rows of a snapshot frame; times in days."""
        return cls.group(*history_arrays(frame))

    @property
    def count_customers(self) -> float:
        return float(self.weight.sum())


def history_arrays(frame: pd.DataFrame) -> tuple[Array, Array, Array]:
    """`x`, `t_x` and `age` of each row of a snapshot frame, times in days."""
    names = ("count_repeat_purchases", "recency_days", "age_days")
    x, t_x, age = (frame[name].to_numpy(dtype=float) for name in names)
    return x, t_x, age
