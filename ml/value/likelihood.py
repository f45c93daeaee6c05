"""Maximum likelihood for positive parameters: bounded on the log scale, from given starts, with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Array = NDArray[np.float64]
Objective = Callable[[Array], tuple[float, Array]]
LOG_BOUND = 12.0
MOST_STEPS = 200
AT_BOUND = 1e-3
GRADIENT_TOLERANCE = 1e-4
POLISH_STEPS = 15
POLISHED = 1e-9  # the mean slope at which a polished maximum is good
FAR = 0.5  # a step by as much on the log scale says that the curvature is not that of this place


@dataclass(frozen=True)
class Maximum:
    """Where the search ended."""

    parameters: Array
    log_likelihood: float
    is_inner: bool
    """Whether the gradient vanishes there and no parameter ran into its bound."""


def maximise(
    objective: Objective, start: Array, weight: float, count_positive: int | None = None, *, is_rough: bool = False
) -> Maximum:
    """Maximise a log-likelihood over positive parameters, and over free ones behind them.

    Parameters
    ----------
    objective
        Maps parameters to the log-likelihood and its gradient, both summed over customers.
    start
        Where to begin, one value per parameter.
    weight
        Number of customers; the search works on the mean, so that tolerances mean the same at any size.
    count_positive
        How many of the first parameters are positive and searched on the log scale; all where None.
    is_rough
        Whether a place near the maximum is enough.
    """
    positive = len(start) if count_positive is None else count_positive

    def negative_mean(point: Array) -> tuple[float, Array]:
        parameters = to_parameters(point, positive)
        value, gradient = objective(parameters)
        slope = gradient.copy()
        slope[:positive] *= parameters[:positive]
        return -value / weight, -slope / weight

    bounds = [(-LOG_BOUND, LOG_BOUND)] * len(start)
    options = {"maxiter": MOST_STEPS, "ftol": 1e-9 if is_rough else 1e-14, "gtol": 1e-6 if is_rough else 1e-9}
    search: Any = optimize.minimize  # its published types know no jac=True
    begin = np.concatenate([np.log(start[:positive]), start[positive:]])
    with one_thread():
        found = search(negative_mean, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        value, slope = negative_mean(found.x)
    is_free = np.abs(found.x) < LOG_BOUND - AT_BOUND
    is_inner = bool(np.isfinite(value) and is_free.all() and np.abs(slope).max() < GRADIENT_TOLERANCE)
    return Maximum(to_parameters(found.x, positive), float(-value * weight), is_inner)


def one_thread() -> threadpool_limits:
    """Linear algebra on one thread: a handful of numbers is not worth waking others, and sums keep their order."""
    return threadpool_limits(1, user_api="blas")


def best_maximum(objective: Objective, starts: Sequence[Array], weight: float) -> Maximum:
    """The highest of rough searches from each start."""
    ends = [maximise(objective, start, weight, is_rough=True) for start in starts]
    return max(ends, key=lambda end: end.log_likelihood)


def to_parameters(point: Array, count_positive: int) -> Array:
    """The parameters of a point of the search: the first ones are logarithms."""
    return np.concatenate([np.exp(point[:count_positive]), point[count_positive:]])


def curvature(objective: Objective, parameters: Array, step: float = 1e-4) -> Array:
    """The matrix of second derivatives on the log scale, by central differences of the slopes."""
    log_parameters = np.log(parameters)
    hessian = np.empty((len(parameters), len(parameters)))
    for i in range(len(parameters)):
        slopes = []
        for sign in (1.0, -1.0):
            moved = log_parameters.copy()
            moved[i] += sign * step
            _, gradient = objective(np.exp(moved))
            slopes.append(gradient * np.exp(moved))
        hessian[i] = (slopes[0] - slopes[1]) / (2.0 * step)
    return (hessian + hessian.T) / 2.0


def is_curved(hessian: Array) -> bool:
    """Whether the log-likelihood bends down in every direction around its maximum.

    A standard error above e^3 of a parameter says that the data do not know it.
    """
    return bool(np.isfinite(hessian).all() and np.linalg.eigvalsh(hessian).max() < -1.0 / 9.0)


def polish(objective: Objective, near: Array, hessian: Array, weight: float) -> Maximum | None:
    """Go to the maximum from nearby by Newton's steps with one known curvature; None where they do not lead there.

    A search by `maximise` asks for the likelihood some forty times, this some five times.
    """
    if not is_curved(hessian):
        return None
    point = np.log(near)
    for _ in range(POLISH_STEPS):
        parameters = np.exp(point)
        value, gradient = objective(parameters)
        slope = gradient * parameters
        if not np.isfinite(slope).all():
            return None
        if np.abs(slope).max() / weight < POLISHED:
            return Maximum(parameters, value, bool(np.abs(point).max() < LOG_BOUND - AT_BOUND))
        move = np.linalg.solve(hessian, -slope)
        if np.abs(move).max() > FAR:
            return None
        point = point + move
    return None
