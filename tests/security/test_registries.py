"""Attacks by what the night loads and hands out: models, rules of registries, cells for spreadsheets."""

from __future__ import annotations

import csv
import io
import pickle
from dataclasses import replace

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from pydantic import ValidationError

from kehu.lists.export import export
from kehu.tags.registry import TagError
from kehu.warehouse.roles import Role, as_role
from ml.registry import store
from ml.registry.files import RegistryError, digest
from ml.registry.night import speaker
from tests.kehu.lists.test_export import published  # noqa: F401
from tests.kehu.tags.test_night import kept, tag  # noqa: F401
from tests.ml.churn.worlds import HORIZON
from tests.ml.registry.test_contest import quick, scored  # noqa: F401
from tests.ml.registry.worlds import DAY, SmallQuestion


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was loaded",))


def test_a_pickle_in_the_registry_in_place_of_a_model_stops_the_night_unread(url):
    mine = as_role(url, Role.ML)
    _, fit = scored(mine, DAY)
    good = store.get(mine, "churn", fit.model_version)
    content = pickle.dumps(Evil())
    # One who has got the rights of the ml role adds it with the right hash and promotes it.
    store.add(mine, replace(good, model_version="evil", content=content, sha256=digest(content)))
    store.log(mine, "churn", "evil", "promoted", DAY, DAY, ["planted"])
    with pytest.raises(RegistryError, match="not a skops file"):
        speaker(mine, SmallQuestion(), DAY, HORIZON, 1, lambda: pytest.fail("trained another"))


def test_a_models_bytes_cannot_be_exchanged(url):
    mine = as_role(url, Role.ML)
    scored(mine, DAY)
    statements = (
        "update ml.models set content = 'x', sha256 = encode(sha256('x'), 'hex')",
        "delete from ml.model_events",
        "alter table ml.models disable trigger only_added",
        "truncate ml.models cascade",
    )
    for statement in statements:
        with psycopg.connect(mine) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(statement)
    # Nor by the owner without a trace: the hash in the row has to be that of the bytes.
    with psycopg.connect(url) as connection:
        connection.execute("alter table ml.models disable trigger only_added")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update ml.models set content = 'x'")


@pytest.mark.parametrize(
    "rule",
    [
        "pg_read_file('/etc/passwd') is not null",
        "(select count(*) from raw_shop.order_lines) > 0",
        "(select count(*) from ops.access_tokens) > 0",
        "lo_import('/etc/passwd') > 0",
        "{{ env_var('DBT_ENV_SECRET_KEHU_PASSWORD') }} is null",
        "{% do run_query('drop table ops.runs') %} true",
    ],
)
def test_a_rule_of_a_tag_reaches_no_further_than_its_stage(kept, url, monkeypatch, rule):  # noqa: F811
    real = psycopg.connect
    with real(url) as connection:
        connection.execute("grant select on ml_features.ftr_customer_traits to ml")
    monkeypatch.setattr(psycopg, "connect", lambda where: real(as_role(where, Role.ML)))
    with pytest.raises((TagError, ValidationError)) as caught:
        kept(tag(rule=rule))
    assert "root:" not in str(caught.value)


def test_no_cell_of_an_exported_list_begins_a_formula(published, tmp_path):  # noqa: F811
    export(published, "call", tmp_path / "list.csv", "csv", "somebody", True)
    text = (tmp_path / "list.csv").read_bytes().decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
