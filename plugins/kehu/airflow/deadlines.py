"""From when a run's deadline counts; Airflow knows the class by the plugin, an entry point of the package."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.deadline import BaseDeadlineReference


class RunMade(BaseDeadlineReference):
    """The moment at which Airflow makes, and queues, a run.

    With Airflow's own `DAGRUN_QUEUED_AT` no task of a run can be cleared before its deadline is missed: 3.3.2 answers
    500 (its issue 70368). A run that is cleared keeps its first deadline.
    """

    def _evaluate_with(self, **_: Any) -> datetime:
        """Airflow asks once, when it makes the run."""
        return datetime.now(timezone.utc)


class KehuPlugin(AirflowPlugin):
    """What Airflow looks up by name while it reads serialised DAGs."""

    name = "kehu"
    deadline_references = (RunMade,)
