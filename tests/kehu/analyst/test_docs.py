"""The docs' server shows the docs, on this machine, and nothing else of the folder."""

from __future__ import annotations

import threading

import httpx
import pytest

from kehu.analyst.docs import server


@pytest.fixture
def client(tmp_path):
    folder = tmp_path / "docs"
    (folder / "run").mkdir(parents=True)
    for name in ("index.html", "manifest.json", "catalog.json", "run_results.json", "run/a.sql"):
        (folder / name).write_text(name)
    (tmp_path / "secrets.json").write_text("secret")
    with server(folder) as pages:
        assert pages.server_address[0] == "127.0.0.1"
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield httpx.Client(base_url=f"http://127.0.0.1:{pages.server_port}")
        pages.shutdown()
        thread.join()


def test_the_docs_are_shown(client):
    shown = [client.get(path).text for path in ("/", "/index.html?a=1", "/manifest.json", "/catalog.json?cb=2")]
    assert shown == ["index.html", "index.html", "manifest.json", "catalog.json"]


@pytest.mark.parametrize(
    "path", ["/run_results.json", "/run/", "/run/a.sql", "/../secrets.json", "/%2e%2e/secrets.json"]
)
def test_nothing_else_is(client, path):
    assert client.get(path).status_code == 404


def test_a_head_request_follows_the_same_rule(client):
    assert (client.head("/").status_code, client.head("/run_results.json").status_code) == (200, 404)
