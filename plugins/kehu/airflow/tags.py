"""The tags DAGs may carry."""

from __future__ import annotations

from enum import StrEnum


class Tag(StrEnum):
    """What a DAG is about."""

    NIGHTLY = "nightly"
    WEEKLY = "weekly"
    MODELS = "models"
    PRIVACY = "privacy"
    WAREHOUSE = "warehouse"
