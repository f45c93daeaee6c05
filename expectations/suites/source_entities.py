"""How fresh each configured entity of a source must be; which one is not, the report and rpt_source_freshness name."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "ops.source_entities"
QUERY = """
select
    entities.source,
    entities.entity,
    case when runs.entity is null then 0 else 1 end as is_read,
    case
        when entities.max_age_days is not null
            then coalesce(date '{as_of_date}' - max(loads.as_of_date), 36500) - entities.max_age_days
    end as days_over
from ops.source_entities as entities
left join ops.entity_runs as runs
    on
        entities.source = runs.source and entities.entity = runs.entity
        and runs.run_id = {run_id} and runs.error is null
left join ops.loads as loads
    on
        entities.source = loads.source and entities.entity = loads.entity
        and loads.status = 'accepted' and loads.as_of_date <= date '{as_of_date}'
group by entities.source, entities.entity, entities.max_age_days, runs.entity
"""


def checks() -> list[Check]:
    """The suite; a night that lacks a required source was stopped before."""
    return [
        Check(
            "sources_are_read",
            "an entity of a source could not be read tonight; its tables stay as they were",
            "warn",
            gxe.ExpectColumnValuesToBeBetween(column="is_read", min_value=1),
        ),
        Check(
            "sources_are_fresh",
            "the newest rows of an entity are older than its source may be",
            "warn",
            gxe.ExpectColumnValuesToBeBetween(column="days_over", max_value=0),
        ),
    ]
