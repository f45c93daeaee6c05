"""Which errors are worth another try: known answers, some from a real server."""

from __future__ import annotations

import errno

import psycopg
import pytest
import sqlalchemy

from kehu.local.environment import with_database
from kehu.warehouse.passing import can_pass, words_can_pass
from kehu.warehouse.tables import connect

CODES = {
    "08006": True, "40001": True, "40P01": True, "53100": True, "53200": True, "53300": True, "55P03": True,
    "57P01": True, "57P03": True, "58030": True, "57014": False, "23505": False, "42601": False, "42P01": False,
    "22P02": False, "28P01": False, "42501": False,
}  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), CODES.items())
def test_what_the_server_says_by_a_code(server_url, code, expected):
    with psycopg.connect(server_url) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(f"do $$ begin raise exception 'canary' using errcode = '{code}'; end $$")
    assert raised.value.sqlstate == code
    assert can_pass(raised.value) is expected


@pytest.mark.parametrize("code", ["40P01", "23505"])
def test_the_same_through_adbc_and_sqlalchemy(server_url, code):
    statement = f"do $$ begin raise exception 'canary' using errcode = '{code}'; end $$"
    with pytest.raises(Exception, match="canary") as by_adbc, connect(server_url) as connection:
        connection.cursor().execute(statement)
    engine = sqlalchemy.create_engine(server_url.replace("postgresql://", "postgresql+psycopg2://"))
    with pytest.raises(sqlalchemy.exc.SQLAlchemyError) as by_alchemy, engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    assert can_pass(by_adbc.value) is can_pass(by_alchemy.value) is (code == "40P01")


def test_a_connection_that_is_ended_may_pass_and_one_that_is_refused_for_its_password_not(server_url):
    with psycopg.connect(server_url, autocommit=True) as victim, psycopg.connect(server_url) as other:
        other.execute("select pg_terminate_backend(%s)", [victim.info.backend_pid])
        with pytest.raises(psycopg.OperationalError) as ended:
            victim.execute("select 1")
        with pytest.raises(psycopg.OperationalError) as closed:
            victim.execute("select 1")
    assert can_pass(ended.value)
    assert can_pass(closed.value)
    for wrong in (server_url.replace("kehu:", "kehu:wrong"), with_database(server_url, "no_such_database")):
        with pytest.raises(psycopg.OperationalError) as refused:
            psycopg.connect(wrong)
        assert not can_pass(refused.value)


def test_a_server_that_is_down_may_pass():
    with pytest.raises(psycopg.OperationalError) as down:
        psycopg.connect("postgresql://kehu@127.0.0.1:1/warehouse")
    assert can_pass(down.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (MemoryError(), True),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (KeyError("deadlock detected"), False),
        (ValueError("the customer wrote: server closed the connection"), False),
        (RuntimeError("anything"), False),
    ],
    ids=repr,
)
def test_errors_of_python(error, expected):
    assert can_pass(error) is expected


def test_the_error_behind_another_counts():
    wrapped = RuntimeError("the layer could not be read")
    wrapped.__cause__ = psycopg.errors.DeadlockDetected("deadlock detected")
    assert can_pass(wrapped)
    wrapped.__cause__ = wrapped  # a ring is no reason to hang
    assert not can_pass(wrapped)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Database Error in model fct_orders (models/x.sql)\n  deadlock detected", True),
        ("server closed the connection unexpectedly\n\tThis probably means the server terminated", True),
        ('connection to server at "127.0.0.1", port 5 failed: Connection refused', True),
        ("FATAL:  the database system is in recovery mode", True),
        ('could not extend file "base/5/1": No space left on device', True),
        ("temporary file size exceeds temp_file_limit (1024kB)", True),
        ('column "a" does not exist', False),
        ("Got 3 results, configured to fail if != 0", False),
        ('FATAL:  password authentication failed for user "kehu"', False),
        ("", False),
    ],
)
def test_what_only_words_tell(text, expected):
    assert words_can_pass(text) is expected
