"""The questions whose models are trained anew each week, and judged before they score."""

from __future__ import annotations

from ml.churn.question import QUESTION as CHURN
from ml.registry.question import Question
from ml.value.question import QUESTION as VALUE

QUESTIONS: dict[str, Question] = {"churn": CHURN, "value": VALUE}
