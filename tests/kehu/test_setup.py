from __future__ import annotations

import pytest

from kehu.local import setup
from kehu.local.home import Home
from kehu.local.setup import SetupError, prepare


def test_a_server_that_is_too_old_is_named_before_anything_is_written(url, monkeypatch, tmp_path):
    monkeypatch.setenv("KEHU_WAREHOUSE_URL", url.rsplit("/", 1)[0] + "/untouched")
    monkeypatch.setattr(setup, "OLDEST_SERVER", 99)
    with pytest.raises(SetupError, match=r"the warehouse's server is PostgreSQL \d\d: 99 or newer is needed"):
        prepare(Home(tmp_path / "home"))
