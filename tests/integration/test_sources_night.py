"""The real DAG over every kind of source, some of them broken or hostile, with secrets that must show nowhere."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import timedelta

import boto3
import psycopg
import pytest
import yaml
from moto.server import ThreadedMotoServer

from kehu.local.environment import with_database
from kehu.local.ports import free_port
from kehu.local.postgres import ensure_server
from kehu.privacy.keys import ERASURE, PSEUDONYMS, VAULT
from tests.fakes import fxiaoke_tokens, zoho_tokens
from tests.fakes.crowd import fill_fxiaoke, fill_rest, fill_zoho
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho
from tests.security.catalog import differences

pytestmark = pytest.mark.timeout(1800)
# Texts that SQL, Jinja, a spreadsheet, a page or a shell would take for more than text.
HOSTILE = [
    "'; drop table ops.runs; --",
    "{{ env_var('DBT_ENV_SECRET_KEHU_PASSWORD') }}",
    "{% do run_query('drop schema marts cascade') %}{{ 7 * 191 }}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "$(id) `id` %s {run_id}",
]
TICKETS = {
    "path": "tickets", "records": "data", "key": "id", "changed_at": "updated_at", "cursor": {"param": "updated_since"},
    "paging": {"style": "page", "size": 50, "total_path": "total"},
}  # fmt: skip
BROKEN = (
    "broken_crm", "broken_fxiaoke", "broken_header", "broken_rest", "broken_database", "broken_store", "broken_unknown",
)  # fmt: skip


class Company:
    """The systems of one company, each reached by connections that hold canaries."""

    def __init__(self, stack: ExitStack, installation, shop) -> None:
        self.planted: list[str] = []
        zoho = zoho_tokens.Credentials(client_secret=self.canary(), refresh_token=self.canary())
        app = fxiaoke_tokens.Credentials(
            app_secret=self.canary(), permanent_code=self.canary(), open_user_id=self.canary(), corp_id=self.canary()
        )
        self.zoho, self.fxiaoke, self.rest = (
            FakeZoho(credentials=zoho),
            FakeFxiaoke(credentials=app),
            FakeRest(self.canary()),
        )
        self.people = fill_zoho(
            self.zoho, contacts=300, accounts=40, leads=20, deals=20, cases=20, products=5, campaigns=2
        )
        fill_fxiaoke(self.fxiaoke, 40, 200, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)
        fill_rest(self.rest, 120)
        urls = [stack.enter_context(FakeServer(one)).url for one in (self.zoho, self.fxiaoke, self.rest)]
        self.store, store_url = self._store(stack)
        self.database = self._database(installation)
        dead = f"http://127.0.0.1:{free_port()}"
        crm = {"refresh_token": zoho.refresh_token}
        fx = {"permanent_code": app.permanent_code, "open_user_id": app.open_user_id}
        known = {
            "zoho": self._connection("zoho_crm", urls[0], zoho.client_id, zoho.client_secret, crm),
            "fxiaoke": self._connection("fxiaoke", urls[1], app.app_id, app.app_secret, fx),
            "rest": self._connection("http", urls[2], "", self.rest.token, {}),
            "database": {"conn_type": "generic", "extra": {"sqlalchemy_url": self.database}},
            "store": self._connection("aws", None, self.canary(), self.canary(), {"endpoint_url": store_url}),
            "broken_crm": self._connection(
                "zoho_crm", urls[0], zoho.client_id, self.canary(), {"refresh_token": self.canary()}
            ),
            "broken_fxiaoke": self._connection(
                "fxiaoke", urls[1], app.app_id, self.canary(), {"permanent_code": self.canary()}
            ),
            "broken_rest": self._connection("http", dead, self.canary(), self.canary(), {"token": self.canary()}),
            "broken_database": {
                "conn_type": "generic",
                "extra": {
                    "sqlalchemy_url": f"postgresql://{self.canary()}:{self.canary()}@127.0.0.1:1/{self.canary()}"
                },
            },
            "broken_store": self._connection(
                "aws", None, self.canary(), self.canary(), {"endpoint_url": dead, "token": self.canary()}
            ),
        }
        known |= self._refused(urls[2])
        self.connections = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in known.items()}
        for variable in (ERASURE, PSEUDONYMS, VAULT):
            self.connections[variable] = self.canary() * 3
        self.connections["AIRFLOW_CONN_UNUSED"] = json.dumps(self._connection("http", "h", "u", self.canary(), {}))
        self._write_sources(shop)

    def canary(self) -> str:
        self.planted.append(f"canary{len(self.planted):02d}Secret")
        return self.planted[-1]

    def _refused(self, service: str) -> dict[str, dict]:
        """An API key in a header and alerts to addresses with tokens, refused by a service; a dead mail server."""
        mail = {"from": "a@example.org", "to": "b@example.org", "security": "none"}
        addresses = {
            "slack": f"{service}/services/{self.canary()}",
            "wecom": f"{service}/cgi-bin/webhook/send?key={self.canary()}",
            "feishu": f"{service}/open-apis/bot/v2/hook/{self.canary()}",
        }
        return {
            "broken_header": self._connection("http", service, self.canary(), self.canary(), {"token": self.canary()}),
            "alert_mail": self._connection("smtp", "127.0.0.1", self.canary(), self.canary(), mail) | {"port": 1},
        } | {
            f"alert_{name}": self._connection("generic", None, "", url, {"secret": self.canary()})
            for name, url in addresses.items()
        }

    @staticmethod
    def _connection(conn_type: str, host: str | None, login: str, password: str, extra: dict) -> dict:
        return {"conn_type": conn_type, "host": host, "login": login, "password": password, "extra": extra}

    @staticmethod
    def _store(stack: ExitStack):
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        server.start()
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        store = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1"
        )
        store.create_bucket(Bucket="exports")
        for day, rows in (("2024-01-29", "1,a\n2,b\n"), ("2024-01-30", "3,c\n")):
            store.put_object(Bucket="exports", Key=f"orders/refunds_{day}.csv", Body=f"id,why\n{rows}".encode())
        return store, url

    def _database(self, installation) -> str:
        server = ensure_server(installation.home)
        url = server.dsn(installation.home.secrets()["postgres_password"], "postgres")
        login, password = "billing", self.canary()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create database billing")
            connection.execute(f"create role {login} login password '{password}'")
        with psycopg.connect(with_database(url, "billing")) as connection:
            connection.execute("""
                create table payments (id int primary key, amount numeric(12, 2), changed timestamptz not null);
                insert into payments select n, n * 1.25, timestamptz '2024-01-01' + n * interval '1 minute'
                from generate_series(1, 1000) as n;
                grant select on payments to billing
            """)
        self.admin = with_database(url, "billing")
        return f"postgresql://{login}:{password}@127.0.0.1:{server.port}/billing"

    def _write_sources(self, shop) -> None:
        content = yaml.safe_load(shop.sources.read_text())
        quick = {"retries": 1, "retry_seconds": 0}
        payments = {"entities": {"payments": {"table": "payments", "key": "id", "cursor": "changed", "lag_minutes": 5}}}
        exports = {"entities": {"refunds": {"format": "csv", "pattern": "refunds_{date}.csv"}}}
        content["sources"] |= {
            "zoho": {"kind": "zoho_crm", "connection": "zoho", **quick},
            "fxiaoke": {
                "kind": "fxiaoke",
                "connection": "fxiaoke",
                "objects": ["AccountObj", "ContactObj"],
                **quick,
            },
            "helpdesk": {
                "kind": "rest",
                "connection": "rest",
                "auth": "bearer",
                "entities": {"tickets": TICKETS},
                **quick,
            },
            "billing": {"kind": "database", "connection": "database", **payments, **quick},
            "exports": {"kind": "files", "connection": "store", "location": "s3://exports/orders", **exports, **quick},
            "broken_crm": {"kind": "zoho_crm", "connection": "broken_crm", **quick},
            "broken_fxiaoke": {"kind": "fxiaoke", "connection": "broken_fxiaoke", **quick},
            "broken_rest": {
                "kind": "rest",
                "connection": "broken_rest",
                "auth": "basic",
                "entities": {"tickets": TICKETS},
                **quick,
            },
            "broken_header": {
                "kind": "rest",
                "connection": "broken_header",
                "auth": "header",
                "entities": {"tickets": TICKETS},
                **quick,
            },
            "broken_unknown": {"kind": "rest", "connection": "nowhere", "entities": {"tickets": TICKETS}, **quick},
            "broken_database": {"kind": "database", "connection": "broken_database", **payments, **quick},
            "broken_store": {
                "kind": "files",
                "connection": "broken_store",
                "location": "s3://gone/",
                **exports,
                **quick,
            },
        }
        for name in ("broken_rest", "broken_header", "broken_crm", "broken_fxiaoke", "broken_store"):
            content["sources"][name]["retries"] = 0
        content["sources"]["broken_rest"]["attempts"] = 2
        shop.sources.write_text(yaml.safe_dump(content))


@pytest.fixture
def company(installation, shop, monkeypatch):
    with ExitStack() as stack:
        made = Company(stack, installation, shop)
        for name, value in made.connections.items():
            monkeypatch.setenv(name, value)
        yield made


def test_every_source_lands_broken_ones_stop_nobody_and_no_secret_shows(company, installation, shop):
    first, second = shop.last_day - timedelta(days=1), shop.last_day
    _plant_hostile_rows(shop, first)
    output = installation.night(first).stdout
    counts = dict(
        installation.rows("select source || '.' || entity, count_rows from ops.loads where state is not null")
    )
    assert counts["zoho.Contacts"] == 300
    assert counts["fxiaoke.ContactObj"] == 200
    assert counts["billing.payments"] == 1000
    assert counts["helpdesk.tickets"] == len(company.rest.records("tickets"))
    assert installation.rows("select id, why from raw_exports.refunds order by id") == [("1", "a"), ("2", "b")]

    # The night is published; what could not be read is stale, and the report says so.
    stale = installation.rows("select distinct source from marts.rpt_source_freshness where is_stale order by 1")
    assert [source for (source,) in stale] == sorted(BROKEN)
    report = installation.report().read_text()
    assert "entities are stale" in report
    for name in BROKEN:
        assert f"failed ingest_{name}" in output
    assert "broken_unknown: connection: there is no Airflow connection nowhere" in " ".join(output.split())

    # What the shop said is text, word for word, and did nothing.
    names = installation.rows("select product_name from marts.dim_products where product_id like 'EVIL%' order by 1")
    assert [name for (name,) in names] == sorted(HOSTILE)

    # A source that is no longer configured is no longer missed.
    _forget(shop, "broken_rest", "broken_store")
    _change(company)
    output += installation.night(second).stdout
    rows = installation.rows("""
        select source || '.' || entity, count_read, count_rows, count_live, count_source
        from ops.loads where state is not null and as_of_date = (select max(as_of_date) from ops.loads) order by 1
    """)
    told = {name: numbers for name, *numbers in rows}
    # 1 % of the payments changed; the six of the last five minutes are read with them, and one deletion lands.
    assert told["billing.payments"] == [16, 11, 999, 999]
    assert told["zoho.Contacts"][1:] == [4, 298, 298]
    assert told["zoho.Contacts"][0] < 10

    stale = installation.rows("select distinct source from marts.rpt_source_freshness where is_stale order by 1")
    assert [source for (source,) in stale] == [
        "broken_crm", "broken_database", "broken_fxiaoke", "broken_header", "broken_unknown",
    ]  # fmt: skip

    # Each role may do what it should with all that two real nights made.
    assert list(differences(installation.url)) == []
    _no_secret_shows(installation, output, company)


def _plant_hostile_rows(shop, day) -> None:
    time = f"{day} 12:00:00"
    shop.rows[day] += [
        [f"59{number:04d}", f"EVIL{number}", text, "1", time, "1.00", "1001", "France"]
        for number, text in enumerate(HOSTILE)
    ]
    shop.write_day(day)


def _forget(shop, *names: str) -> None:
    content = yaml.safe_load(shop.sources.read_text())
    for name in names:
        del content["sources"][name]
    shop.sources.write_text(yaml.safe_dump(content))


def _change(company: Company) -> None:
    """Three contacts change and two disappear in a merge and a deletion; ten payments change and one is deleted."""
    contacts = company.people["Contacts"]
    with psycopg.connect(company.admin) as connection:
        connection.execute("update payments set amount = 0, changed = timestamptz '2024-01-02' where id <= 10")
        connection.execute("delete from payments where id = 500")
    company.zoho.change("Contacts", contacts[0], Email="changed@example.com")
    company.zoho.merge("Contacts", contacts[1], contacts[2])
    company.zoho.delete("Contacts", contacts[3])


def _no_secret_shows(installation, output: str, company: Company) -> None:
    secrets = {*company.planted, *installation.home.secrets().values()}
    assert len(secrets) >= 40
    canaries = [secret.encode() for secret in secrets]
    places = {"terminal": output.encode()}
    home = installation.home.root
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.name not in ("secrets.json", "pgpass", "ui_passwords.json"):
            places[str(path.relative_to(home))] = path.read_bytes()
    server = ensure_server(installation.home)
    for database in ("warehouse", "airflow"):
        places[f"database {database}"] = _dump(server.dsn(installation.home.secrets()["postgres_password"], database))
    kinds = ("logs/", "dbt_target/", "data_docs/", "reports/", "airflow/")
    assert all(any(place.startswith(kind) for place in places) for kind in kinds)
    found = {(place, secret) for place, content in places.items() for secret in canaries if secret in content}
    assert not {(place, secret) for place, secret in found if not place.startswith("postgres/")}


def _dump(url: str) -> bytes:
    """All rows of all tables as text: XCom, rendered fields, logs, run store, raw tables, tokens."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("""
            select format('%I.%I', schemaname, tablename) from pg_tables
            where schemaname not in ('pg_catalog', 'information_schema')
        """).fetchall()
        parts = []
        for (table,) in tables:
            with connection.cursor().copy(f"copy (select * from {table}) to stdout") as copy:
                parts += [bytes(block) for block in copy]
        assert len(tables) > 30
        return b"".join(parts)
