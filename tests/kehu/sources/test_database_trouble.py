from __future__ import annotations

import psycopg
import pytest

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.database import DatabaseReader, DatabaseSettings
from tests.kehu.sources.database_shop import BY_TIME, NUMBERS, Shop, shop_of, timed_shop


@pytest.fixture
def shop(url, server_url) -> Shop:
    return shop_of(url, server_url)


@pytest.fixture
def timed(shop) -> Shop:
    return timed_shop(shop)


class TestTrouble:
    @pytest.mark.parametrize(
        ("entity", "reason"),
        [
            ({"table": "nothing"}, "there is no such table, or no right to see it"),
            ({"table": "nowhere.things"}, "there is no such table, or no right to see it"),
            ({"key": "Id"}, "the table has no column Id"),
            ({"cursor": "when"}, "the table has no column when"),
            ({"key": "v"}, "a row without its key"),
        ],
    )
    def test_wrong_settings(self, timed, entity, reason):
        timed.do("insert into things (id) values (5)")
        with pytest.raises(SourceError, match=f"^db: things: {reason}$") as caught:
            timed.night(**entity)
        assert not isinstance(caught.value, SourceUnavailable)
        assert timed.ledger() == []

    def test_a_login_that_is_refused(self, timed):
        head, tail = timed.uri.rsplit("@", 1)
        for uri in (f"{head}5ECRET@{tail}", f"{timed.uri}_5ECRET", f"postgresql://nobody_5ECRET:5ECRET@{tail}"):
            with pytest.raises(SourceError, match="^db: things: the database refuses the login, or is none$") as caught:
                timed.night(uri=uri)
            assert not isinstance(caught.value, SourceUnavailable)

    def test_a_server_that_does_not_answer(self, timed):
        for uri in ("postgresql://me:5ECRET@127.0.0.1:9/shop", "postgres://me:5ECRET@nosuchhost.invalid/shop"):
            with pytest.raises(SourceUnavailable, match="^db: things: the database does not answer") as caught:
                timed.night(uri=uri)
            assert "5ECRET" not in str(caught.value)
            assert "127" not in str(caught.value)

    @pytest.mark.parametrize(
        "uri",
        [None, "", "5ECRET", "nosuch://me:5ECRET@x/y", "postgresql://me:x@host:5ECRET/y", "oracle://me:5ECRET@x/y"],
    )
    def test_no_url_of_a_database(self, uri):
        settings = DatabaseSettings.model_validate({"entities": {"things": {"table": "t", "key": "id"}}})
        with pytest.raises(SourceError, match="^db: connection: ") as caught:
            DatabaseReader("db", Credentials(uri=uri), settings)
        assert "5ECRET" not in str(caught.value)

    def test_no_right_to_read(self, timed):
        name = f"guest_{next(NUMBERS)}"
        timed.do(f"create role {name} login password 'guest'")
        head, tail = timed.uri.rsplit("@", 1)
        with pytest.raises(SourceError, match="^db: things: the database refused the query .*42501") as caught:
            timed.night(uri=f"postgresql://{name}:guest@{tail}")
        assert not isinstance(caught.value, SourceUnavailable)

    @pytest.mark.parametrize("method", ["read", "keys"])
    def test_a_connection_that_dies_in_the_middle(self, timed, method, monkeypatch):
        timed.night(**BY_TIME)
        timed.do("insert into things select n, 'x', now() from generate_series(10, 30000) as n")
        real = getattr(DatabaseReader, method)

        def dying(self, entity, *arguments):
            pages = real(self, entity, *arguments)
            yield next(pages)
            with psycopg.connect(timed.uri, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
            return (yield from pages)

        with monkeypatch.context() as patched:
            patched.setattr(DatabaseReader, method, dying)
            with pytest.raises(SourceUnavailable, match="^db: things: the database does not answer"):
                timed.night(1, **BY_TIME)
        assert len(timed.landed()) == 3
        assert timed.night(1, **BY_TIME)[1] == 29_991
        assert timed.ledger()[-1][2:] == (29_994, 29_994)

    def test_values_that_cannot_be_read_or_kept(self, timed):
        timed.do("update things set changed = 'infinity' where id = 2")
        with pytest.raises(SourceError, match="^db: things: the database refused the query") as caught:
            timed.night(**BY_TIME)
        assert not isinstance(caught.value, SourceUnavailable)
        assert timed.ledger() == []
