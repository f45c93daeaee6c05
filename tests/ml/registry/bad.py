"""Models that no registry should promote."""

from __future__ import annotations

import time

import numpy as np

from ml.churn.model import ChurnClassifier


class BadChurn(ChurnClassifier):
    """A churn model that is bad in the way `fault` names."""

    def __init__(self, method="blend", process_column=None, random_state=0, fault="none"):
        super().__init__(method, process_column, random_state)
        self.fault = fault

    @property
    def learns_well(self):
        """Whether it is what its kind is after training, and bad only in what it says or weighs."""
        return not self.fault.startswith("learned")

    def take(self, model):
        """What a good model has learned."""
        self.__dict__ |= {name: value for name, value in model.__dict__.items() if name.endswith("_")}
        if self.fault == "large":
            self.ballast_ = np.zeros(51_000_000 // 8)
        return self

    def fit(self, X, y, held_out=None):  # noqa: N803
        target = np.asarray(y)
        if self.fault == "learned from turned labels":
            target = ~target
        if self.fault == "learned from shuffled labels":
            target = np.random.default_rng(5).permutation(target)
        return super().fit(X, target, held_out)

    def decision_function(self, X):  # noqa: N803
        odds = super().decision_function(X)
        if self.fault == "slow":
            end = time.process_time() + 0.1
            while time.process_time() < end:
                pass
        change = {
            "turned round": lambda: -odds,
            "tells everybody the same": lambda: np.full_like(odds, odds.mean()),
            "knows nothing": lambda: np.random.default_rng(2).normal(size=len(odds)),
            "too sure": lambda: odds * 8.0,
            "too high": lambda: odds + 2.5,
            "missing": lambda: np.full_like(odds, np.nan),
        }
        return change.get(self.fault, lambda: odds)()
