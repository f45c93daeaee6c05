"""What all purchase processes share: how they are fitted, when they step back, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ml.value.covariates import ByCell, Effects, Levels
from ml.value.histories import Histories, history_arrays
from ml.value.likelihood import (
    Array,
    Maximum,
    Objective,
    best_maximum,
    curvature,
    is_curved,
    maximise,
    one_thread,
    polish,
)

# Half the 5 % point of the likelihood-ratio test against a parameter on its boundary: a 50:50 mixture of chi-square
# with 0 and 1 degrees of freedom (Self, S. G., Liang, K.-Y. (1987). JASA 82(398), 605-610, case 5).
NO_DROPOUT_GAIN = 2.7055 / 2
MANY_HISTORIES = 1_000
DAYS_A_YEAR = 365.0
STEP_DAYS = 30.0


class PurchaseProcess(RegressorMixin, BaseEstimator):
    """Base of BG/NBD, Pareto/NBD and NBD; times in days, or any other unit as long as it is one.

    Parameters
    ----------
    horizon
        How far `predict` looks, in the unit of the histories.
    covariates
        Columns of the frame whose levels move rate and drop-out; none by default.

    Attributes
    ----------
    method_
        The model that answers: its own name, or that of the fallback.
    is_fallback_
        Whether the likelihood has no usable inner maximum, so that a simpler model answers.
    parameters_
        Fitted parameters by their names in the papers.
    log_likelihood_
        At the maximum, over all customers.
    uses_covariates_
        Whether the covariates were kept: they must converge and explain more than chance would.
    """

    _method = ""
    _names: tuple[str, ...] = ()
    _effects = Effects((), ())

    def __init__(self, horizon: float = 365.0, covariates: tuple[str, ...] = ()) -> None:
        self.horizon = horizon
        self.covariates = covariates

    def fit(self, X: Any, y: Any = None) -> PurchaseProcess:  # noqa: N803, ARG002
        """Fit on histories: a frame with the columns of `histories.COLUMNS`, or an array of x, t_x and age.

        Raises
        ------
        ValueError
            If there is no history, a column is missing or a history is impossible.
        """
        self.levels_ = Levels.of(X, tuple(self.covariates)) if self.covariates else Levels(())
        cells, self._design_ = self._cells(X)
        data = Histories.of(X, cells)
        if not len(data.x):
            raise ValueError("there is no history to fit on")
        # Starts and bounds suit days as well as years if the longest age counts as 1.
        unit = max(float(data.age.max()), 1e-9)
        scaled = data.rescaled(unit)
        with one_thread():
            end, self.is_fallback_ = self._search(scaled)
            effects = self._with_covariates(end, scaled)
        self.uses_covariates_ = effects is not None
        best = end if effects is None else effects
        self._keep(best, unit, float(data.weight @ data.x))
        self.fallback_ = self._step_back(X) if self.is_fallback_ else None
        self.method_: str = self.fallback_.method_ if self.fallback_ is not None else self._method
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Expected purchases of each row within `horizon`."""
        return self.expected_purchases(X, self.horizon)

    def probability_alive(self, X: Any) -> Array:  # noqa: N803
        """Probability that a customer has not dropped out; 1 where the answering model knows no drop-out."""
        return self._answering(X, lambda model, *args: model._alive(*args))

    def expected_purchases(self, X: Any, horizon: float | Array) -> Array:  # noqa: N803
        """Expected purchases in the `horizon` after the end of observation."""
        return self._answering(X, lambda model, *args: model._expected(*args, np.asarray(horizon, dtype=float)))

    def probability_no_purchase(self, X: Any, horizon: float | Array) -> Array:  # noqa: N803
        """Probability of no purchase in the `horizon` after the end of observation."""
        return self._answering(X, lambda model, *args: model._silent(*args, np.asarray(horizon, dtype=float)))

    def discounted_purchases(self, X: Any, horizon: float | Array, annual_rate: float | Array) -> Array:  # noqa: N803
        """Expected purchases in `horizon` days, each worth less by `annual_rate` a year; times in days.

        A sum over steps of at most 30 days, discounted at their middle: Fader, Hardie, Lee (2005), RFM and CLV, JMR
        42(4), eq. 2, on a finite horizon.
        """
        horizon = np.asarray(horizon, dtype=float)
        count = max(int(np.ceil(np.max(horizon, initial=0.0) / STEP_DAYS)), 1)
        total = np.zeros(len(history_arrays(X)[0]))
        before = np.zeros_like(total)
        for step in range(1, count + 1):
            until = self.expected_purchases(X, horizon * step / count)
            middle = horizon * (step - 0.5) / count / DAYS_A_YEAR
            total += (until - before) * (1.0 + np.asarray(annual_rate)) ** -middle
            before = until
        return total

    def purchase_pmf(self, X: Any, horizon: float | Array) -> Iterator[Array]:  # noqa: N803
        """Yield the probability of 0, 1, 2, … purchases in the `horizon` for all rows, without end."""
        check_is_fitted(self)
        model = self.fallback_ if self.fallback_ is not None else self
        arguments = model._arguments(X)
        span = np.broadcast_to(np.asarray(horizon, dtype=float), arguments[0].shape)
        alive = model._alive(*arguments)
        for count, living in enumerate(model._living_pmf(*arguments, span)):
            yield alive * living + (1.0 - alive if count == 0 else 0.0)

    def _answering(self, X: Any, question: Any) -> Array:  # noqa: N803
        check_is_fitted(self)
        model = self.fallback_ if self.fallback_ is not None else self
        return np.asarray(question(model, *model._arguments(X)))

    def _arguments(self, X: Any) -> tuple[Array, ...]:  # noqa: N803
        """x, t_x and age of each row, then each parameter as a value per row (or one for all)."""
        cells, design = self._cells(X)
        base = np.array([self.parameters_[name] for name in self._names])
        if not self.uses_covariates_:
            return (*history_arrays(X), *base)
        moved = self._effects.by_cell(np.concatenate([base, self.effects_]), len(base), design)
        return (*history_arrays(X), *moved[:, cells])

    def _cells(self, X: Any) -> tuple[np.ndarray, Array]:  # noqa: N803
        """The number of each row's kind, and the covariates of each kind; one kind where there are no covariates."""
        if not self.levels_.names:
            return np.zeros(len(X), dtype=np.intp), np.zeros((1, 0))
        if not isinstance(X, pd.DataFrame):
            raise ValueError("covariates are columns of a frame")
        design, cells = np.unique(self.levels_.design(X), axis=0, return_inverse=True)
        return cells.ravel(), design

    def _search(self, data: Histories) -> tuple[Maximum, bool]:
        """The best end, and whether it is no usable maximum: at a bound, on a slope, flat, or no better than NBD."""
        end, hessian = self._climb(self._likelihood, self._starts(), data)
        is_usable = end.is_inner and is_curved(hessian)
        if is_usable:
            limit = self._limit(data)
            is_usable = limit is None or end.log_likelihood - limit.log_likelihood >= NO_DROPOUT_GAIN
        return end, not is_usable

    def _climb(self, likelihood: ByCell, starts: list[Array], data: Histories) -> tuple[Maximum, Array]:
        """The best end of several searches, and the curvature there.

        Where there are many histories the searches run on coarse ones, and the last steps on the exact ones.
        """
        exact, weight = self._plain(likelihood, data), data.count_customers
        rough = self._plain(likelihood, data.coarse()) if len(data.x) > MANY_HISTORIES else exact
        near = best_maximum(rough, starts, weight).parameters
        hessian = curvature(rough, near)
        end = polish(exact, near, hessian, weight)
        if end is None:
            end = maximise(exact, near, weight)
            hessian = curvature(exact, end.parameters)
        return end, hessian

    @staticmethod
    def _plain(likelihood: ByCell, data: Histories) -> Objective:
        """Without covariates all cells share the parameters."""

        def objective(parameters: Array) -> tuple[float, Array]:
            value, slopes = likelihood(np.repeat(parameters[:, None], data.count_cells, axis=1), data)
            return value, slopes.sum(axis=1)

        return objective

    def _with_covariates(self, end: Maximum, data: Histories) -> Maximum | None:
        if self.is_fallback_ or not self._design_.shape[1]:
            return None
        wider = self._effects.fit(self._likelihood, end.parameters, data, self._design_)
        # Akaike: each further parameter must earn its place.
        gain, count = wider.log_likelihood - end.log_likelihood, len(wider.parameters) - len(end.parameters)
        return wider if wider.is_inner and gain > count else None

    def _keep(self, end: Maximum, unit: float, repeats: float) -> None:
        """Parameters in the caller's unit of time; densities change with it, one factor for each repeat purchase."""
        values = [float(value) for value in end.parameters[: len(self._names)]]
        in_time = {"alpha", "beta"}
        self.parameters_ = {
            name: value * unit if name in in_time else value for name, value in zip(self._names, values, strict=True)
        }
        self.effects_ = end.parameters[len(self._names) :]
        self.log_likelihood_ = end.log_likelihood - repeats * float(np.log(unit))

    # What a process must know.

    def _starts(self) -> list[Array]:
        raise NotImplementedError

    def _likelihood(self, parameters: Array, data: Histories) -> tuple[float, Array]:
        """Log-likelihood and its slopes, shape (parameters, cells), of parameters of that shape."""
        raise NotImplementedError

    def _limit(self, data: Histories) -> Maximum | None:
        """The fit of the limit without drop-out; None where the process is that limit."""
        raise NotImplementedError

    def _step_back(self, X: Any) -> PurchaseProcess:  # noqa: N803
        """The simpler process, fitted, that answers where this one has no usable maximum."""
        raise NotImplementedError

    def _alive(self, *arguments: Array) -> Array:
        raise NotImplementedError

    def _expected(self, *arguments: Array) -> Array:
        raise NotImplementedError

    def _silent(self, *arguments: Array) -> Array:
        """Dropped out already, or no purchase while alive."""
        *history, horizon = arguments
        alive = self._alive(*history)
        none = next(self._living_pmf(*history, np.broadcast_to(horizon, history[0].shape)))
        return 1.0 - alive * (1.0 - none)

    def _living_pmf(self, *arguments: Array) -> Iterator[Array]:
        """Probabilities of 0, 1, 2, … purchases in the horizon of a customer who is alive at its start."""
        raise NotImplementedError


def negative_binomial(shape: Array, scale: Array, horizon: Array) -> Iterator[Array]:
    """Probabilities of 0, 1, 2, … purchases in `horizon` at a rate that is gamma(shape, scale)."""
    share = horizon / (scale + horizon)
    term = np.exp(-shape * np.log1p(horizon / scale))
    count = 0
    while True:
        yield term
        term = term * share * (shape + count) / (count + 1)
        count += 1


def by_cell(pieces: list[Array], data: Histories) -> Array:
    """Sum slopes over customers, per cell: shape (pieces, cells)."""
    if data.count_cells == 1:
        return np.array([[data.weight @ piece] for piece in pieces])
    count = data.count_cells
    return np.array([np.bincount(data.cell, weights=data.weight * piece, minlength=count) for piece in pieces])
