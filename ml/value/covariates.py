"""Covariates that do not change with time, such as channel or region, as log-linear effects on two parameters.

Fader, P. S., Hardie, B. G. S. (2007). Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models.
Note 019, brucehardie.com: each effect multiplies a parameter by exp(effect).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.value.histories import Histories
from ml.value.likelihood import Array, Maximum, Objective, maximise

MIN_LEVEL = 50
ByCell = Callable[[Array, Histories], tuple[float, Array]]


@dataclass(frozen=True)
class Levels:
    """The levels that have an effect: (column, value) each; all others, unseen ones too, are the base line."""

    names: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: tuple[str, ...]) -> Levels:
        """Each level of at least 50 customers but the commonest of its column (the first by name among equals)."""
        missing = [column for column in columns if column not in frame.columns]
        if missing:
            raise ValueError(f"missing covariates: {', '.join(missing)}")
        found: list[tuple[str, str]] = []
        for column in columns:
            counts = frame[column].astype("string").fillna("").value_counts()
            ordered = sorted(((-int(count), str(level)) for level, count in counts.items()))
            found += [(column, level) for count, level in ordered[1:] if -count >= MIN_LEVEL]
        return cls(tuple(found))

    def design(self, frame: pd.DataFrame) -> Array:
        """One row per customer, one column of 0 and 1 per level."""
        texts = {column: frame[column].astype("string").fillna("") for column, _ in self.names}
        table = [(texts[column] == level).to_numpy(dtype=float) for column, level in self.names]
        return np.column_stack(table) if table else np.zeros((len(frame), 0))


@dataclass(frozen=True)
class Effects:
    """Which two of a model's parameters covariates move: their numbers, and the sign in front of the effects."""

    parameters: tuple[int, ...]
    signs: tuple[float, ...]

    def by_cell(self, point: Array, count: int, design: Array) -> Array:
        """Parameters of each cell, shape (count, cells), from `count` base parameters and the effects behind them."""
        moved = np.repeat(point[:count, None], len(design), axis=1)
        effects = point[count:].reshape(len(self.parameters), -1)
        for number, sign, effect in zip(self.parameters, self.signs, effects, strict=True):
            moved[number] *= np.exp(sign * (design @ effect))
        return moved

    def objective(self, likelihood: ByCell, count: int, data: Histories, design: Array) -> Objective:
        """The likelihood and its slopes as functions of `count` base parameters and the effects behind them."""

        def of_point(point: Array) -> tuple[float, Array]:
            moved = self.by_cell(point, count, design)
            value, slopes = likelihood(moved, data)
            in_logs = slopes * moved
            of_base = in_logs.sum(axis=1) / point[:count]
            pairs = zip(self.parameters, self.signs, strict=True)
            return value, np.concatenate([of_base, *(sign * (in_logs[number] @ design) for number, sign in pairs)])

        return of_point

    def fit(self, likelihood: ByCell, base: Array, data: Histories, design: Array) -> Maximum:
        """Search base parameters and effects together, from no effects."""
        count = len(base)
        start = np.concatenate([base, np.zeros(len(self.parameters) * design.shape[1])])
        return maximise(self.objective(likelihood, count, data, design), start, data.count_customers, count)
