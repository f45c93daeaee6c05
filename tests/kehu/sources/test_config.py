from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kehu.sources.config import ConfigError, load
from kehu.sources.contract import SourceError
from kehu.sources.kinds import check

GOOD = """
last_night: 2024-01-31
sources:
  shop:
    kind: files
    connection: shop_store
    location: shop
    entities:
      lines: {format: csv, pattern: "lines_{date}.csv", every_day: true}
  crm:
    kind: database
    required: true
    parallel: 3
    max_age_days: null
    entities:
      accounts: {table: public.accounts, key: id}
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "sources.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_file(tmp_path):
    sources = load(written(tmp_path, GOOD))
    assert [source.name for source in sources] == ["shop", "crm"]
    assert sources.last_night == date(2024, 1, 31)
    shop, crm = sources
    assert (shop.schema_name, shop.pool, shop.required, shop.max_age_days) == ("raw_shop", "source_shop", False, 0)
    assert (crm.required, crm.max_age_days, crm.connection, crm.folder) == (True, None, None, tmp_path)
    assert set(crm.settings) == {"entities"}
    assert sources.pools()["source_crm"] == {"slots": 3, "description": "ingest of crm", "include_deferred": False}
    for source in sources:
        check(source)


SOURCE = "sources:\n  shop:\n    kind: files\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it must begin with `sources:`"),
        ("- 5ECRET", "it must begin with `sources:`"),
        ("sources: [5ECRET", "not YAML, line 1"),
        ("sources:\n  a: b: 5ECRET", "not YAML, line 2"),
        ("sources: !!python/object:os.system 5ECRET", "not YAML, line 1"),
        (b"sources: \xff5ECRET", "the file is not UTF-8"),
        ("sources: {}\nlast_night: 2024-13-45", "a date or a number in it is none"),
        ("sources: {}\nlast_night: 5ECRET", "last_night: Input should be a valid date"),
        ("sources: 5ECRET", "sources: Input should be a valid dictionary"),
        ("sources: {}\n5ECRET_key: 5ECRET", "5ECRET_key: Extra inputs are not permitted"),
        ("sources: {Shop: {kind: files}}", "sources: Value error, 'Shop' is no source name"),
        ("sources: {1: {kind: files}}", "sources.1.[key]: Input should be a valid string"),
        ("sources: {shop: {}}", "sources.shop.kind: Field required"),
        ("sources: {shop: {kind: 5ECRET}}", "sources.shop.kind: Input should be 'files', 'database'"),
        (SOURCE + "    retries: 5ECRET", "sources.shop.retries: Input should be a valid integer"),
        (SOURCE + "    retries: -1", "sources.shop.retries: Input should be greater than or equal to 0"),
        (SOURCE + "    time_out_minutes: .inf", "sources.shop.time_out_minutes: Input should be a finite number"),
        (SOURCE + "    retry_seconds: .nan", "sources.shop.retry_seconds: Input should be a finite number"),
        (SOURCE + "    required: 5ECRET", "sources.shop.required: Input should be a valid boolean"),
        (SOURCE + "  crm: {kind: rest}\n  shop: {kind: rest}", "a name is there twice, line 5"),
        (SOURCE + "    password: 5ECRET\n    password: 5ECRET", "a name is there twice, line 5"),
    ],
)
def test_what_is_refused_names_file_place_and_reason(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    told = str(caught.value)
    assert told.startswith(f"sources.yml: {message}")
    assert "\n" not in told
    assert "5ECRET" not in told.replace("5ECRET_key", "")


def test_a_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"^none\.yml: the file cannot be read: No such file or directory$"):
        load(tmp_path / "none.yml")
    with pytest.raises(ConfigError, match="the file cannot be read: Is a directory"):
        load(tmp_path)


FILES = "{kind: files, location: x, entities: {lines: {format: csv, pattern: p.csv, OPTION}}}"
TABLE = "{kind: database, entities: {things: {table: things, key: id, OPTION}}}"


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("{kind: files}", "location", "Field required"),
        ("{kind: files, location: x, entities: {}}", "entities", "at least 1 item"),
        (FILES.replace("OPTION", "colour: 5ECRET"), "entities.lines.colour", "Extra inputs"),
        (FILES.replace("OPTION", "encoding: 5ECRET"), "entities.lines.encoding", "no such encoding of text"),
        (FILES.replace("OPTION", "encoding: hex"), "entities.lines.encoding", "no such encoding of text"),
        (FILES.replace("OPTION", "separator: ';;'"), "entities.lines.separator", "at most 1 character"),
        (FILES.replace("OPTION", "separator: '、'"), "entities.lines.separator", "one ASCII character"),
        (FILES.replace("OPTION", 'quote: "\\n"'), "entities.lines.quote", "one ASCII character"),
        (FILES.replace("OPTION", "separator: '\"'"), "entities.lines", "separator and quote are the same"),
        (FILES.replace("OPTION", "every_day: true"), "entities.lines", "every_day needs {date}"),
        (FILES.replace("p.csv", '"{date}_{date}.csv"').replace("OPTION", ""), "entities.lines.pattern", "at most once"),
        (FILES.replace("p.csv", "5ECRET/p.csv").replace("OPTION", ""), "entities.lines.pattern", "without a folder"),
        (FILES.replace("OPTION", "key: ['']"), "entities.lines", "a key without a name"),
        (FILES.replace("lines", "客户").replace("OPTION", ""), "entities", "a name needs letters"),
        (FILES.replace("lines", "n" * 51).replace("OPTION", ""), "entities", "a name needs letters"),
        (TABLE.replace("key: id", "key: []").replace("OPTION", ""), "entities.things.key", "it names no column"),
        (TABLE.replace("OPTION", "lag: 5ECRET"), "entities.things.lag", "valid integer"),
        (
            "{kind: database, entities: {AccountObj: {table: a, key: id}, account_obj: {table: b, key: id}}}",
            "entities",
            "two names make the same table",
        ),
    ],
)
def test_what_a_kind_refuses_names_source_place_and_reason(tmp_path, source, place, reason):
    (configured,) = load(written(tmp_path, f"sources: {{shop: {source}}}"))
    with pytest.raises(SourceError) as caught:
        check(configured)
    told = str(caught.value)
    assert told.startswith(f"shop: sources.yml: {place}: ")
    assert reason in told
    assert "\n" not in told
    assert "5ECRET" not in told
