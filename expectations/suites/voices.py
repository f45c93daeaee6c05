"""What customers said: scores on the scale of their question, ratings in stars."""

from __future__ import annotations

from expectations.suites.forms import RecordSuite, matches, optional, text

SUITES = (
    RecordSuite(
        "surveys", "csat", {"score": text("score")}, [matches("score", "^[1-5]$", "is missing or not from 1 to 5")]
    ),
    RecordSuite(
        "surveys", "nps", {"score": text("score")}, [matches("score", "^([0-9]|10)$", "is missing or not from 0 to 10")]
    ),
    RecordSuite(
        "social", "posts", {"rating": optional("rating")}, [matches("rating", "^[1-5]$", "is not from 1 to 5")]
    ),
)
