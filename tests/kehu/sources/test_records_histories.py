from __future__ import annotations

import itertools
from collections import Counter
from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kehu.sources.contract import SourceUnavailable
from kehu.sources.records import Policy, ingest_records
from kehu.warehouse.runs import open_night
from tests.kehu.sources.memory import MemoryReader, newest, versions

DAY = date(2024, 1, 1)


def run(url, reader, day=0, policy=None, entity="things"):
    night = open_night(url, DAY + timedelta(days=day), "test")
    counts = ingest_records(url, "test", entity, reader, night, policy)
    return counts.rows_in, counts.rows_out


HISTORIES = itertools.count()
CHANGE = st.tuples(st.sampled_from(["put", "put", "late", "same", "delete", "purge", "restore"]), st.integers(0, 7))


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nights=st.lists(st.tuples(st.lists(CHANGE, max_size=6), st.sampled_from([None, None, 0, 1])), max_size=10),
    lag=st.integers(0, 25),
    tells=st.booleans(),
    is_complete=st.booleans(),
)
def test_after_each_good_night_the_warehouse_has_what_the_source_has(url, nights, lag, tells, is_complete):
    entity = f"history_{next(HISTORIES)}"
    table = f"raw_test.{entity}"
    reader = MemoryReader(lag, tells, page=3)
    reader.is_complete = is_complete
    told: Counter[tuple] = Counter()
    # Without deletions told, an exchange can hide behind equal counts: then every night lists.
    policy = Policy(reconcile_days=7 if tells else 0)
    for day, (changes, reader.fails_after) in enumerate(nights):
        reader.now += 10
        purged = apply(reader, changes, told)
        if reader.fails_after is not None:
            with pytest.raises(SourceUnavailable):
                run(url, reader, day, policy, entity)
            continue
        run(url, reader, day, policy if not purged else Policy(reconcile_days=0), entity)
        assert newest(url, table) == reader.living
        with psycopg.connect(url) as connection:
            query = "select count_live, count_source from ops.loads where entity = %s order by load_id desc limit 1"
            assert connection.execute(query, [entity]).fetchone() == (len(reader.living),) * 2
        history: dict[str, object] = {}
        for key, value in versions(url, table):
            assert history.get(key, ...) != value, "the same version twice in a row"
            history[key] = value
        assert all(count <= told[key] for key, count in Counter(versions(url, table)).items() if key[1] is not None)


def apply(reader: MemoryReader, changes, told: Counter) -> bool:
    """Change the source; return whether something went without a trace."""
    purged = False
    for step, (what, number) in enumerate(changes):
        key = f"k{number}"
        lives = key in reader.living
        if what == "put":
            reader.put(key, reader.now * 100 + step)
        elif what == "late" and reader.lag and not any(key == one for one, _ in told):
            reader.put(key, reader.now * 100 + step, at=reader.now - 9 - reader.lag)
        elif what == "same" and lives:
            reader.put(key, reader.living[key])  # touched, not changed
        elif what == "delete" and lives:
            reader.delete(key)
        elif what == "purge" and key in reader.versions:
            reader.purge(key)
            purged = True
        elif what == "restore" and key in reader.versions and not lives:
            reader.put(key, -number)
        if key in reader.living:
            told[key, reader.living[key]] += 1
    return purged
