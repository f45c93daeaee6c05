"""When people are told: a task failed for good, a run is late, sources are stale. Addresses are Airflow connections.

`alert_mail`, `alert_slack`, `alert_wecom` and `alert_feishu` may come from Airflow's pages, a secrets backend or the
environment (`AIRFLOW_CONN_ALERT_SLACK`). Where none is set nothing is sent, and the log says so. An alert that cannot
be delivered is a warning in the log, never a failed task.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook

from kehu.airflow.stages import as_of_date, stage, warehouse_url
from kehu.warehouse.roles import Role
from kehu.warehouse.runs import Counts, Night, never_ended

log = logging.getLogger(__name__)
CHANNELS = ("mail", "slack", "wecom", "feishu")  # those of kehu.alerts.channels, which parsing a DAG must not import


def send(alert: Any) -> dict[str, str]:
    """Send an alert by each channel that has a connection; return what became of it by channel. Never raises."""
    from kehu.alerts.channels import AlertError, deliver

    told = {}
    for channel in CHANNELS:
        try:
            address = _address(channel)
            if address is None:
                continue
            deliver(channel, address, alert)
            told[channel] = "sent"
        except AlertError as error:
            told[channel] = f"not sent: {error}"
        except Exception as error:
            told[channel] = f"not sent: {type(error).__name__}"  # its words may hold an address
    for channel, outcome in told.items():
        log.log(logging.INFO if outcome == "sent" else logging.WARNING, "alert by %s: %s", channel, outcome)
    if not told:
        log.warning("no alert was sent: none of the connections alert_%s is set", ", alert_".join(CHANNELS))
    return told


def _address(channel: str) -> Any:
    from kehu.alerts.channels import Address

    try:
        found = BaseHook.get_connection(f"alert_{channel}")
    except AirflowNotFoundException:
        return None
    url = None if channel == "mail" else found.password
    return Address(url, found.host, found.port, found.login, found.password, found.extra_dejson)


def on_task_failure(context: Any) -> None:
    """Airflow's `on_failure_callback`: no try is left. It must not fail itself."""
    from kehu.alerts.message import task_failed

    try:
        instance, run = context["ti"], context["dag_run"]
        day = as_of_date(context).isoformat() if instance.dag_id == "nightly" else None
        reason = str(context.get("exception") or "its process ended without a word")
        send(task_failed(instance.dag_id, instance.task_id, run.run_id, day, instance.try_number, reason))
    except Exception as error:
        log.warning("no alert was sent: %s", type(error).__name__)


def on_run_failure(context: Any) -> None:
    """Airflow's `on_failure_callback` of a whole run: tells of tasks whose process was killed, which can't tell."""
    from kehu.alerts.message import task_failed

    try:
        run = context["dag_run"]
        # It is told some time after the run failed; by then somebody may have cleared it, and stages be at work again.
        for name, day, tries in never_ended(warehouse_url(Role.PUBLISHER), run.run_id, run.end_date):
            send(task_failed(run.dag_id, name, run.run_id, day.isoformat(), tries, "its process was killed"))
    except Exception as error:
        log.warning("no alert was sent: %s", type(error).__name__)


def on_deadline_missed(context: Any) -> None:
    """What a `DeadlineAlert` calls, with the run as Airflow's API tells it."""
    from kehu.alerts.message import deadline_missed

    run, deadline = context["dag_run"], context["deadline"]["deadline_time"]
    send(deadline_missed(run["dag_id"], run["dag_run_id"], str(deadline)))


def stale_sources(url: str) -> tuple[str, list[tuple[str, str, int | None, int | None]]]:
    """The published night, and its stale entities: source, entity, days behind, days allowed."""
    import psycopg

    query = (
        "select source, entity, days_behind, max_age_days from marts.rpt_source_freshness where is_stale order by 1, 2"
    )
    with psycopg.connect(url) as connection:
        row = connection.execute("select as_of_date from ops.published_run").fetchone()
        stale = connection.execute(query).fetchall()
    return (str(row[0]) if row else ""), stale


@stage(
    "tell_stale_sources",
    "Tells people which sources the published night calls stale (docs/runbook.md).",
    role=Role.PUBLISHER,
)
def tell_stale_sources(url: str, night: Night) -> Counts:
    """Send one alert for all of them; none if there are none."""
    from kehu.alerts.message import sources_stale

    day, stale = stale_sources(url)
    if stale:
        send(sources_stale(day, stale))
    return Counts(rows_out=len(stale))


def main() -> int:
    """Send a trial by each channel (`make alert-test`); 1 if one did not take it or there is none."""
    from kehu.alerts.message import trial

    log.setLevel(logging.CRITICAL)  # the same is printed below
    told = send(trial())
    for channel, outcome in told.items():
        sys.stdout.write(f"alert_{channel}: {outcome}\n")
    if not told:
        sys.stdout.write(f"no connection is set; make one of alert_{', alert_'.join(CHANNELS)}: docs/alerts.md\n")
    return 0 if told and set(told.values()) == {"sent"} else 1


if __name__ == "__main__":
    sys.exit(main())
