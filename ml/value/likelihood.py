"""Maximum likelihood for positive parameters: bounded on the log scale, from a given start, with a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Array = NDArray[np.float64]
LOG_BOUND = 12.0
AT_BOUND = 1e-3
GRADIENT_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Maximum:
    """Where the search ended."""

    parameters: Array
    log_likelihood: float
    is_inner: bool
    """Whether the gradient vanishes there and no parameter ran into its bound."""


def maximise(objective: Callable[[Array], tuple[float, Array]], start: Array, weight: float) -> Maximum:
    """Maximise a log-likelihood over positive parameters.

    Parameters
    ----------
    objective
        Maps parameters to the log-likelihood and its gradient, both summed over customers.
    start
        Where to begin, one positive value per parameter.
    weight
        Number of customers; the search works on the mean, so that tolerances mean the same at any size.
    """

    def negative_mean(log_parameters: Array) -> tuple[float, Array]:
        parameters = np.exp(log_parameters)
        value, gradient = objective(parameters)
        return -value / weight, -gradient * parameters / weight

    bounds = [(-LOG_BOUND, LOG_BOUND)] * len(start)
    options = {"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9}
    search: Any = optimize.minimize  # its published types know no jac=True
    found = search(negative_mean, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    value, slope = negative_mean(found.x)
    is_free = np.abs(found.x) < LOG_BOUND - AT_BOUND
    is_inner = bool(np.isfinite(value) and is_free.all() and np.abs(slope).max() < GRADIENT_TOLERANCE)
    return Maximum(np.exp(found.x), float(-value * weight), is_inner)
