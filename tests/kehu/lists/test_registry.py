"""The registry of lists: what is read, what is refused with list and field, and when a rule counts as changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kehu.lists.registry import ActionList, ListError, Registry, load
from kehu.paths import DBT_PROJECT, list_registry
from tests.kehu.lists.worlds import one_list

CAPS = {"phone": {"contacts": 2, "days": 30}}


def write(folder: Path, *lists, caps=CAPS) -> Path:
    path = folder / "lists.yml"
    path.write_text(yaml.safe_dump({"caps": caps, "lists": list(lists)}, allow_unicode=True))
    return path


def test_the_shipped_registry_is_read_in_the_order_of_priority():
    lists = list(load(list_registry()))
    assert [one.id for one in lists] == ["service_priority", "callback", "key_account_visit", "win_back", "offer"]
    assert [one.priority for one in lists] == sorted(one.priority for one in lists)


def test_shipped_marketing_lists_ask_for_a_consent_that_was_given():
    for one in load(list_registry()):
        assert (one.consent == "opt_in") == (one.readers == "marketing")


def test_no_model_that_lists_ask_has_a_credit_rating():
    """Not only marketing's rules leave it out: it is nowhere for them to ask."""
    models = list((DBT_PROJECT / "models/list_candidates").glob("*.sql"))
    assert len(models) >= 7
    for model in models:
        assert not re.search(r"credit_(rating|score|limit)|dim_companies|stg_reference", model.read_text()), model.name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": None}, "list call: rule: Input should be a valid string"),
        ({"name_zh": "Call"}, "list call: name_zh: String should match pattern"),
        ({"channels": ["fax"]}, "list call: channels: 0: Input should be"),
        ({"channels": ["phone", "phone"]}, "list call: channels: one is there twice"),
        ({"valid_days": 3}, "list call: valid_days: either valid_days or until is needed, not both"),
        ({"until": None}, "list call: valid_days: either valid_days or until is needed, not both"),
        ({"budget": {"amount": 5, "per": "month"}}, "list call: cost: a budget needs what one contact costs"),
        ({"budget": {"amount": -5, "per": "month"}, "cost": 1}, "list call: budget: amount: Input should be greater"),
        ({"budget": {"amount": 5, "per": "week"}, "cost": 1}, "list call: budget: per: Input should be"),
        ({"rule": "since < current_date"}, "list call: rule: current_date differs from run to run"),
        ({"gain": "random()"}, "list call: gain: random differs from run to run"),
        ({"rule": "true; drop table x"}, "list call: rule: a semicolon does not belong into a condition"),
        ({"rule": "(true"}, "list call: rule: its brackets do not match"),
        ({"priority": 0}, "list call: priority: Input should be greater than or equal to 1"),
        ({"colour": "red"}, "list call: colour: Extra inputs are not permitted"),
        ({"readers": "marketing", "rule": "credit_score > 3"}, "list call: rule: credit ratings are kept out"),
        ({"readers": "marketing", "reason_en": "{rating}"}, "list call: rule: credit ratings are kept out"),
    ],
)
def test_what_makes_no_sense_is_refused_with_list_and_field(tmp_path, fields, message):
    with pytest.raises(ListError) as caught:
        load(write(tmp_path, one_list("fine", 2), one_list(**fields)))
    assert str(caught.value).startswith(f"lists.yml: {message}")


def test_lists_must_differ_in_name_and_priority(tmp_path):
    with pytest.raises(ListError, match="id: call is there 2 times"):
        load(write(tmp_path, one_list(), one_list(priority=2)))
    with pytest.raises(ListError, match="priority: 1 is there 2 times"):
        load(write(tmp_path, one_list(), one_list("other")))


def test_a_cap_for_no_known_way_and_a_file_that_is_no_registry_are_refused(tmp_path):
    with pytest.raises(ListError, match="caps"):
        load(write(tmp_path, one_list(), caps={"fax": {"contacts": 1, "days": 1}}))
    with pytest.raises(ListError, match="the file cannot be read"):
        load(tmp_path / "none.yml")
    (tmp_path / "bad.yml").write_text("caps: {}\ncaps: {}\nlists: []")
    with pytest.raises(ListError, match="a field is there twice, line 2"):
        load(tmp_path / "bad.yml")


def test_words_change_no_rule_and_whatever_changes_who_is_on_it_does():
    first = ActionList(**one_list(rule="a  >  1"))
    assert first.rule_hash == ActionList(**one_list(rule="a > 1", reason_en="Other words", name_en="X")).rule_hash
    changes = [
        {"rule": "a > 2"}, {"rule": "a > ' 1'"}, {"occasion": "since"}, {"channels": ["mail"]}, {"purpose": "service"},
        {"consent": "opt_in"}, {"is_capped": False}, {"gain": "2"}, {"cost": 3}, {"until": None, "valid_days": 3},
    ]  # fmt: skip
    hashes = [ActionList(**one_list(**({"rule": "a > 1"} | change))).rule_hash for change in changes]
    assert len({first.rule_hash, *hashes}) == len(changes) + 1


def test_an_empty_registry_is_one():
    assert list(Registry(caps={}, lists=())) == []
