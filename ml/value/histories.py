"""Purchase histories as sufficient statistics: equal histories are counted once, before any fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ml.value.likelihood import Array

COLUMNS = ("count_repeat_purchases", "recency_days", "age_days")
COARSE_STEPS = 48
MOST_PACKED = 2**62


@dataclass(frozen=True)
class Histories:
    """Distinct repeat-purchase histories and how many customers share each; arrays of one length, in a fixed order.

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
    cell
        Number of the customers' kind (a combination of covariates); zeros where there are none.
    """

    x: Array
    t_x: Array
    age: Array
    weight: Array
    cell: np.ndarray

    @classmethod
    def group(cls, x: Array, t_x: Array, age: Array, cell: np.ndarray | None = None) -> Histories:
        """Group customers by equal history (and cell); the result does not depend on the order of rows.

        Raises
        ------
        ValueError
            If a history is impossible: negative, not finite, `t_x` beyond `age`, or `t_x` without a repeat.
        """
        columns = [np.asarray(column, dtype=float) for column in (x, t_x, age)]
        _refuse_impossible(*columns)
        cells = np.zeros(len(columns[0])) if cell is None else np.asarray(cell, dtype=float)
        distinct, counts = _count_distinct([*columns, cells])
        return cls(distinct[0], distinct[1], distinct[2], counts.astype(float), distinct[3].astype(np.intp))

    @classmethod
    def of(cls, rows: Any, cell: np.ndarray | None = None) -> Histories:
        """Group the rows of a frame or an array of three columns; see `history_arrays`."""
        return cls.group(*history_arrays(rows), cell)

    @property
    def count_customers(self) -> float:
        """Customers in all."""
        return float(self.weight.sum())

    @property
    def count_cells(self) -> int:
        """How many kinds of customers `cell` may name."""
        return int(self.cell.max(initial=0)) + 1

    @cached_property
    def purchases(self) -> tuple[Array, np.ndarray, np.ndarray]:
        """Distinct pairs of x and cell (two arrays), and for each history the number of its pair.

        Costly functions of x alone are worked out once a pair.
        """
        keys, inverse = np.unique(self.x * self.count_cells + self.cell, return_inverse=True)
        x, cell = np.divmod(keys, self.count_cells)
        return x, cell.astype(np.intp), inverse

    def rescaled(self, unit: float) -> Histories:
        """The same with times in multiples of `unit`."""
        return Histories(self.x, self.t_x / unit, self.age / unit, self.weight, self.cell)

    def coarse(self) -> Histories:
        """Times rounded to a grid of 48 steps and grouped again: few rows, good enough to begin a search from."""
        step = max(float(self.age.max(initial=0.0)), 1e-9) / COARSE_STEPS
        age = np.ceil(self.age / step) * step
        t_x = np.where(self.x > 0, np.minimum(np.maximum(np.round(self.t_x / step), 0.5) * step, age), 0.0)
        distinct, inverse = np.unique(np.column_stack([self.x, t_x, age, self.cell]), axis=0, return_inverse=True)
        weight: Array = np.bincount(inverse.ravel(), weights=self.weight, minlength=len(distinct)).astype(float)
        return Histories(distinct[:, 0], distinct[:, 1], distinct[:, 2], weight, distinct[:, 3].astype(np.intp))


def history_arrays(rows: Any) -> tuple[Array, Array, Array]:
    """`x`, `t_x` and `age` of each row.

    Parameters
    ----------
    rows
        A frame with the columns `COLUMNS`, or an array whose first three columns are x, t_x and age.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    if isinstance(rows, pd.DataFrame):
        missing = [name for name in COLUMNS if name not in rows.columns]
        if missing:
            raise ValueError(f"missing columns: {', '.join(missing)}")
        x, t_x, age = (rows[name].to_numpy(dtype=float) for name in COLUMNS)
        return x, t_x, age
    table = np.asarray(rows, dtype=float)
    if table.ndim != 2 or table.shape[1] < 3:
        raise ValueError(f"histories have three columns (x, t_x, age); got an array of shape {table.shape}")
    return table[:, 0], table[:, 1], table[:, 2]


def _refuse_impossible(x: Array, t_x: Array, age: Array) -> None:
    # A comparison with NaN is false, so each line asks for what must hold.
    fine = (x >= 0) & (t_x >= 0) & (t_x <= age) & (age < np.inf) & (x < np.inf)
    fine &= (x == 0) == (t_x == 0)
    if not fine.all():
        raise ValueError(f"{int((~fine).sum())} impossible histories, the first in row {int(np.argmin(fine))}")


def _count_distinct(columns: list[Array]) -> tuple[list[Array], np.ndarray]:
    """The distinct rows of the columns, in lexical order, and how often each occurs.

    `numpy.unique` by rows sorts records of many bytes; numbers that stand for whole rows sort many times faster.
    """
    sizes = [float(column.max(initial=0.0)) + 1.0 for column in columns]
    is_whole = all(np.array_equal(column, np.trunc(column)) for column in columns)
    if is_whole and np.prod(sizes) < MOST_PACKED:
        packed = np.zeros(len(columns[0]), dtype=np.int64)
        for column, size in zip(columns, sizes, strict=True):
            packed *= int(size)
            packed += column.astype(np.int64)
        keys, counts = np.unique(packed, return_counts=True)
        parts = []
        for size in reversed(sizes):
            keys, part = np.divmod(keys, int(size))
            parts.append(part.astype(float))
        return parts[::-1], counts
    codes, values = np.zeros(len(columns[0]), dtype=np.int64), np.zeros((1, 0))
    for column in columns:
        code, levels = pd.factorize(column)
        codes, pairs = pd.factorize(codes * max(len(levels), 1) + code)
        before, last = np.divmod(pairs, max(len(levels), 1))
        values = np.column_stack([values[before], levels[last]])
    counts = np.bincount(codes, minlength=len(values))
    order = np.lexsort(values.T[::-1])
    return list(values[order].T), counts[order]
