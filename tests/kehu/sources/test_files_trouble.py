from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import boto3
import psycopg
import pytest
import requests
from moto.server import ThreadedMotoServer

from kehu.paths import PROJECT
from kehu.sources import files, files_landing
from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import open_night
from tests.kehu.sources.folders import CSV, DAY, DEALS, JSONL, PARQUET, UNDATED, VISITS, Folder, query


@pytest.fixture
def folder(url, tmp_path) -> Folder:
    return Folder(url, tmp_path)


class TestTrouble:
    def test_two_at_once_land_each_file_once(self, folder):
        for day in range(1, 10):
            folder.write(f"lines_2024-01-0{day}.csv", f"a\n{day}\n")
        gate, landed = threading.Barrier(4), []

        def load():
            gate.wait()
            landed.append(folder.ingest(CSV, 8))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(landed) == [0, 0, 0, 9]
        assert folder.rows("a") == [(str(day),) for day in range(1, 10)]

    @pytest.fixture
    def small_batches(self, folder, monkeypatch):
        """Three days of two rows, landed one by one."""
        monkeypatch.setattr(files, "BATCH_ROWS", 2)
        for day in (1, 2, 3):
            folder.write(f"lines_2024-01-0{day}.csv", f"a\n{day}\n{day}0\n")
        return monkeypatch

    def break_second(self, monkeypatch, failure):
        calls = []
        real = files_landing.copy_rows

        def copy(connection, *arguments):
            real(connection, *arguments)
            calls.append(1)
            if len(calls) == 2:
                failure(connection)

        monkeypatch.setattr(files_landing, "copy_rows", copy)

    def test_a_failure_in_the_middle_leaves_whole_files_only(self, folder, small_batches):
        def fail(connection):
            raise MemoryError

        with small_batches.context() as patched:
            self.break_second(patched, fail)
            with pytest.raises(MemoryError):
                folder.ingest(CSV, 2)
        self.whole_files_only(folder)

    def test_a_killed_connection_leaves_whole_files_only(self, folder, small_batches):
        def kill(connection):
            query(folder.url, f"select pg_terminate_backend({connection.info.backend_pid})")

        with small_batches.context() as patched:
            self.break_second(patched, kill)
            with pytest.raises(psycopg.OperationalError):
                folder.ingest(CSV, 2)
        self.whole_files_only(folder)

    def whole_files_only(self, folder):
        assert folder.rows("a") == [("1",), ("10",)]
        assert len(folder.ledger()) == 1
        assert folder.ingest(CSV, 2) == 4
        assert folder.rows("a") == [("1",), ("10",), ("2",), ("20",), ("3",), ("30",)]
        assert folder.ingest(CSV, 2) == 0

    def test_a_broken_file_keeps_whole_batches_before_it(self, folder, small_batches):
        folder.write("lines_2024-01-03.csv", "a\n3\n30")
        with pytest.raises(SourceError, match="lines_2024-01-03.csv, row 2: the file is truncated"):
            folder.ingest(CSV, 2)
        assert folder.rows("a") == [("1",), ("10",), ("2",), ("20",)]

    def test_killed_in_mid_landing_and_run_again_each_row_is_there_once(self, folder, tmp_path):
        for day in range(1, 31):
            lines = "".join(f"{day * 10_000 + row}\n" for row in range(4_000))
            folder.write(f"lines_2024-01-{day:02}.csv.gz", f"a\n{lines}")
        night = open_night(folder.url, DAY + timedelta(days=29), "test")
        program = f"""
import time
from datetime import date
from kehu.sources import files, files_landing
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import Night
files.BATCH_ROWS = 4_000
settings = FilesSettings.model_validate({{"location": {str(folder.folder)!r}, "entities": {{"e": {CSV!r}}}}})
real = files_landing.write_ledger
def write(connection, entries):
    time.sleep(0.02)  # most of the time, rows are there without their entry
    real(connection, entries)
files_landing.write_ledger = write
files.FilesSource("src", settings).ingest({folder.url!r}, "e", Night({night.run_id}, date(2024, 1, 30)))
"""
        script = tmp_path / "load.py"
        script.write_text(program)
        paths = os.pathsep.join([str(PROJECT), str(PROJECT / "plugins")])
        process = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": paths})
        deadline = time.monotonic() + 60
        while len(folder.ledger()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        landed = len(folder.ledger())
        assert 3 <= landed < 30
        assert len(folder.rows("a")) == landed * 4_000
        assert folder.ingest(CSV, 29) == (30 - landed) * 4_000
        wanted = [(str(day * 10_000 + row),) for day in range(1, 31) for row in range(4_000)]
        assert folder.rows("a") == wanted

    def test_a_large_load_reads_ahead_in_order(self, folder, monkeypatch):
        monkeypatch.setattr(files, "AHEAD_BYTES", 10)
        monkeypatch.setattr(files, "BATCH_ROWS", 7)
        for day in range(1, 30):
            folder.write(f"lines_2024-01-{day:02}.csv", "a\n" + f"{day}\n" * (day % 5))
        assert folder.ingest(CSV, 29) == sum(day % 5 for day in range(1, 30))
        assert folder.rows("a") == [(str(day),) for day in range(1, 30) for _ in range(day % 5)]

    def test_a_file_that_unpacks_to_too_much(self, folder, monkeypatch):
        monkeypatch.setattr(files, "MAX_BYTES", 1000)
        folder.write("lines_2024-01-01.csv.gz", b"a\n" + b"1\n" * 1000)
        with pytest.raises(SourceError, match="^src: lines_2024-01-01.csv.gz: more than 1000 bytes unpacked$"):
            folder.ingest(CSV)

    @pytest.mark.parametrize("location", ["nosuch://x/y", "s3://bucket/x?versionId=1", "sftp:///x"])
    def test_a_store_that_nobody_opens(self, url, location):
        options = {"no_such_option": 1, "client_kwargs": "5ECRET"}
        settings = FilesSettings.model_validate({"location": location, "entities": {"e": CSV}, "options": options})
        with pytest.raises(SourceError, match="^src: location: ") as caught:
            FilesSource("src", settings).files("e")
        assert "5ECRET" not in str(caught.value)


@pytest.fixture(scope="module")
def store():
    """A local S3 server that checks keys: its endpoint, a right key, and a client to write with."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    names = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    iam = boto3.client("iam", **names, aws_access_key_id="x", aws_secret_access_key="x")
    iam.create_user(UserName="reader")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(allow))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    login, password = key["AccessKeyId"], key["SecretAccessKey"]
    client = boto3.client("s3", **names, aws_access_key_id=login, aws_secret_access_key=password)
    client.create_bucket(Bucket="bucket")
    requests.post(f"{endpoint}/moto-api/reset-auth", data="0", timeout=10)
    yield endpoint, Credentials(login=login, password=password, extra={"endpoint_url": endpoint}), client
    # All stores of a process share this setting: the next module's asks for no key.
    requests.post(f"{endpoint}/moto-api/reset-auth", data="inf", timeout=10)
    server.stop()


class TestObjectStore:
    def source(self, credentials, entity=CSV, location="s3://bucket/in", **options) -> FilesSource:
        settings = {"location": location, "entities": {"e": entity}, "options": options}
        return FilesSource("src", FilesSettings.model_validate(settings), credentials)

    @pytest.mark.parametrize(
        ("entity", "name", "content", "wanted"),
        [
            (CSV, "lines_2024-01-01.csv", b"a\n1\n2\n", 2),
            (CSV, "lines_2024-01-01.csv.gz", gzip.compress(b"a\n1\n2\n3\n"), 3),
            (JSONL, "deals_2024-01-01.jsonl.gz", gzip.compress(DEALS.encode()), 4),
            (PARQUET, "visits_2024-01-01.parquet", VISITS, 2),
        ],
    )
    def test_files_land_once(self, url, store, entity, name, content, wanted):
        _, credentials, client = store
        prefix = f"{name}/{wanted}"
        client.put_object(Bucket="bucket", Key=f"{prefix}/{name}", Body=content)
        client.put_object(Bucket="bucket", Key=f"{prefix}/deeper/{name}", Body=content)
        source = self.source(credentials, entity, f"s3://bucket/{prefix}")
        night = open_night(url, DAY, "test")
        assert source.ingest(url, "e", night).rows_out == wanted
        assert source.ingest(url, "e", night).rows_out == 0
        assert query(url, "select count(*) from raw_src.e") == [(wanted,)]

    def test_what_changes_after_the_first_listing_is_seen(self, url, store):
        _, credentials, client = store
        source = self.source(credentials, UNDATED, "s3://bucket/changes")
        night = open_night(url, DAY, "test")
        for number, body in enumerate([b"n\nRome\n", b"n\nRoma\n"]):
            client.put_object(Bucket="bucket", Key="changes/cities.csv", Body=body)
            client.put_object(Bucket="bucket", Key=f"changes/cities{number}.csv", Body=b"n\n%d\n" % number)
            assert source.ingest(url, "e", night).rows_out == 2
        assert query(url, "select n from raw_src.e order by n") == [("0",), ("1",), ("Roma",), ("Rome",)]

    def test_a_truncated_object_is_named(self, url, store):
        _, credentials, client = store
        body = gzip.compress(b"a\n1\n2\n")[:-3]
        client.put_object(Bucket="bucket", Key="cut/lines_2024-01-01.csv.gz", Body=body)
        with pytest.raises(SourceError, match="^src: lines_2024-01-01.csv.gz: the file is truncated"):
            self.source(credentials, CSV, "s3://bucket/cut").ingest(url, "e", open_night(url, DAY, "test"))

    @pytest.mark.parametrize(
        ("login", "password", "location", "reason"),
        [
            (None, "5ECRET", "s3://bucket/in", "no right to list the folder"),
            ("AKIA5ECRET", None, "s3://bucket/in", "no right to list the folder"),
            (None, None, "s3://nobucket/in", "the folder does not exist"),
            (None, None, "s3://bucket/nowhere", "the folder does not exist"),
        ],
    )
    def test_what_another_try_does_not_mend(self, store, login, password, location, reason):
        _, good, client = store
        client.put_object(Bucket="bucket", Key="in/lines_2024-01-01.csv", Body=b"a\n")
        credentials = Credentials(login=login or good.login, password=password or good.password, extra=good.extra)
        with pytest.raises(SourceError, match=f"^src: location: {reason}$") as caught:
            self.source(credentials, location=location).files("e")
        assert not isinstance(caught.value, SourceUnavailable)
        assert "5ECRET" not in repr(credentials)

    def test_a_server_that_is_down(self, store):
        _, good, _ = store
        credentials = Credentials(login="x", password="5ECRET", extra={"endpoint_url": "http://127.0.0.1:9"})
        quick = {"retries": {"max_attempts": 0}, "connect_timeout": 1}
        with pytest.raises(SourceUnavailable, match="^src: location: the store does not answer") as caught:
            self.source(credentials, config_kwargs=quick).files("e")
        assert "5ECRET" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)
