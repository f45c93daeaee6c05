"""The registry of tags: what is refused, in one line that names the tag and the field."""

from __future__ import annotations

from datetime import date

import pytest

from kehu.paths import DBT_PROJECT, tag_registry
from kehu.tags.registry import TagError, load

GOOD = {
    "name_en": "Regular",
    "name_zh": "常客",
    "kind": "behaviour",
    "owner": "sales",
    "version": 1,
    "rule": "orders > 2",
}


def text_of(*tags):
    """A registry of tags that differ from a good one in some fields; None leaves a field out."""
    lines = ["tags:"]
    for number, tag in enumerate(tags):
        fields = {"id": f"tag_{number}", **GOOD, **tag}
        told = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        lines.append("  - " + "\n    ".join(told))
    return "\n".join(lines) + "\n"


def read(tmp_path, text):
    file = tmp_path / "tags.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file)


def test_a_good_registry(tmp_path):
    rule = "\"country = 'no (way); -- now'\""
    registry = read(tmp_path, text_of({}, {"owner": None, "status": "retired"}, {"replaces": "[tag_1]", "rule": rule}))
    first, second, third = registry
    assert (first.status, first.owner, second.owner, third.replaces) == ("active", "sales", None, ("tag_1",))


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ({"name_zh": None}, "tag tag_0: name_zh: Field required"),
        ({"name_zh": "Regular"}, "tag tag_0: name_zh: String should match pattern"),
        ({"kind": "hobby"}, "tag tag_0: kind: Input should be 'basic', 'behaviour' or 'interest'"),
        ({"version": 0}, "tag tag_0: version: Input should be greater than or equal to 1"),
        ({"rules": "x"}, "tag tag_0: rules: Extra inputs are not permitted"),
        ({"id": "Tag 1"}, "tag Tag 1: id: String should match pattern"),
        ({"id": None}, "tag number 1: id: Field required"),
        ({"expires_on": "soon"}, "tag tag_0: expires_on: Input should be a valid date"),
        ({"rule": None}, "tag tag_0: rule: a rule or a model is needed"),
        ({"valid_days": 3}, "tag tag_0: valid_days: it needs since"),
        ({"since": "last_order_date"}, "tag tag_0: valid_days: it needs since"),
        ({"rule": "orders > (2"}, "tag tag_0: rule: its brackets do not match"),
        ({"rule": "true) or (true"}, "tag tag_0: rule: its brackets do not match"),
        ({"rule": "true; drop table x"}, "tag tag_0: rule: a semicolon does not belong"),
        ({"rule": "orders > 2 -- many"}, "tag tag_0: rule: a comment does not belong"),
        ({"rule": "last_order_date > Current_Date - 3"}, "tag tag_0: rule: current_date differs from run to run"),
        ({"rule": "random() > 0.5"}, "tag tag_0: rule: random differs from run to run"),
        ({"rule": "age(last_order_date) > '1 year'"}, "tag tag_0: rule: age differs from run to run"),
        ({"rule": "last_order_date > date 'today'"}, "tag tag_0: rule: 'today' differs from run to run"),
        ({"replaces": "[tag_0]"}, "tag tag_0: replaces: tag_0 must be another tag of the file that is retired"),
        ({"replaces": "[nobody]"}, "tag tag_0: replaces: nobody must be another tag"),
    ],
)
def test_what_makes_no_sense_is_refused_with_tag_and_field(tmp_path, tag, message):
    with pytest.raises(TagError) as caught:
        read(tmp_path, text_of(tag))
    assert f"tags.yml: {message}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (({"id": "twin"}, {"id": "twin"}), "tag twin: id: it is there 2 times"),
        (({}, {"replaces": "[tag_0]"}), "tag tag_1: replaces: tag_0 must be another tag of the file that is retired"),
        (
            ({"status": "retired"}, {"replaces": "[tag_0]"}, {"replaces": "[tag_0]"}),
            "tag tag_2: replaces: tag_1 replaces tag_0 already",
        ),
    ],
)
def test_tags_that_contradict_each_other_are_refused(tmp_path, tags, message):
    with pytest.raises(TagError, match="^tags.yml: " + message):
        read(tmp_path, text_of(*tags))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tags: [", "tags.yml: not YAML, line 1"),
        (text_of({}) + "    rule: orders > 3", "tags.yml: a field is there twice, line 9"),
        ("", "tags.yml: Input should be"),
        ("tags: [regular]", "tags.yml: tag number 1: Input should be"),
        ("tags: regular", "tags.yml: tags: Input should be"),
        (b"tags: \xff", "tags.yml: 'utf-8' codec"),
    ],
)
def test_a_file_that_is_no_registry_is_told(tmp_path, text, message):
    with pytest.raises(TagError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(message)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(TagError, match="nothing.yml: the file cannot be read"):
        load(tmp_path / "nothing.yml")


def test_a_tag_expires_on_its_day_and_a_retired_one_stays_retired(tmp_path):
    first, second = read(
        tmp_path, text_of({"expires_on": "2024-02-01"}, {"expires_on": "2024-02-01", "status": "retired"})
    )
    assert [first.status_on(date(2024, 1, 31)), first.status_on(date(2024, 2, 1))] == ["active", "expired"]
    assert second.status_on(date(2024, 2, 1)) == "retired"


def test_the_hash_is_of_what_decides_who_has_the_tag(tmp_path):
    changes = [
        {},
        {"rule": "orders   > 2", "name_en": "Other", "owner": None, "version": 4, "expires_on": "2024-02-01"},
        {"rule": "orders > 3"},
        {"model": "ftr_other"},
        {"since": "last_order_date", "valid_days": 3},
    ]
    hashes = [tag.rule_hash for tag in read(tmp_path, text_of(*changes))]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4


def test_the_registry_that_is_shipped(monkeypatch):
    monkeypatch.delenv("KEHU_TAGS", raising=False)
    assert tag_registry() == DBT_PROJECT / "tags.yml"
    tags = list(load(tag_registry()))
    assert len(tags) >= 15
    assert {tag.kind for tag in tags} == {"basic", "behaviour", "interest"}
    assert all(tag.owner for tag in tags)
    assert len({tag.name_en for tag in tags}) == len({tag.name_zh for tag in tags}) == len(tags)
