"""Deadlines as the scheduler keeps and reads them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from airflow.models.deadline import ReferenceModels
from airflow.serialization.decoders import decode_deadline_alert
from airflow.serialization.encoders import encode_deadline_alert

from kehu.airflow.limits import NIGHT_DEADLINE, WEEK_DEADLINE, done_within


@pytest.mark.parametrize("interval", [NIGHT_DEADLINE, WEEK_DEADLINE])
def test_a_deadline_that_was_kept_counts_from_when_the_run_was_made(interval):
    kept = encode_deadline_alert(done_within(interval))
    # Of runs with this one 3.3.2 can clear no task: see RunMade.
    assert kept["reference"]["reference_type"] != ReferenceModels.DagRunQueuedAtDeadline.__name__
    known = decode_deadline_alert(kept)  # by the plugin: without it Airflow reads no DAG that has one
    due = known.reference.evaluate_with(session=None, interval=known.interval, dag_id="nightly", run_id="manual__1")
    assert timedelta(0) <= datetime.now(timezone.utc) + interval - due < timedelta(minutes=1)
