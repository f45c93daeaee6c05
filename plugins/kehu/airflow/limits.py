"""How often a task is tried, how long one try may take, and by when a run has to be done: the one place."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from kehu.airflow.deadlines import RunMade

# Three more tries, after about 20, 40 and 80 seconds (Airflow adds jitter): a server that restarts is back by then.
LIMITS: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}
# A run that is not done so long after it was made is told of; it goes on.
NIGHT_DEADLINE = timedelta(minutes=float(os.environ.get("KEHU_NIGHT_DEADLINE_MINUTES") or 6 * 60))
WEEK_DEADLINE = timedelta(hours=12)


def done_within(interval: timedelta) -> DeadlineAlert:
    """Tell people when a run is not done so long after it was made (Airflow's deadline alert)."""
    callback = SyncCallback("kehu.airflow.alerts.on_deadline_missed")
    return DeadlineAlert(reference=RunMade(), interval=interval, callback=callback)
