"""What the settings file may say; and that all SQL in the one that is shipped runs."""

from __future__ import annotations

import duckdb
import pytest
import yaml
from pydantic import ValidationError

from ml.identity.settings import SHIPPED, Settings, SettingsError, load
from ml.identity.workspace import DERIVED, LIST_COLUMNS, LISTS, TEXTS

TEXT = SHIPPED.read_text(encoding="utf-8")
KINDS = ("person", "company")


def changed(path: str, value: object) -> dict:
    """The shipped settings with one of them changed; `path` such as person.keys.cap."""
    settings = yaml.safe_load(TEXT)
    *parents, name = path.split(".")
    place = settings
    for parent in parents:
        place = place[parent]
    place[name] = value
    return settings


def fingerprints(settings: Settings) -> dict[str, str]:
    return {kind: settings.fingerprint(kind) for kind in KINDS}


def test_the_shipped_settings_are_valid():
    settings = load()
    assert settings.of("person") is settings.person
    assert settings.of("company") is settings.company
    assert settings.review_weight < 0 < min(settings.of(kind).link_weight for kind in KINDS)


def test_weights_are_log_odds():
    settings = Settings.model_validate(changed("company.link_probability", 0.8))
    assert settings.company.link_weight == pytest.approx(2.0)


@pytest.mark.parametrize(
    "path", ["threshold", "person.treshold", "person.keys.owned", "company.comparisons.name.level"]
)
def test_an_unknown_setting_is_refused_by_name(path):
    with pytest.raises(ValidationError, match=path.rpartition(".")[2]):
        Settings.model_validate(changed(path, 1))


def test_a_misspelled_setting_is_named_beside_the_one_that_it_should_be(tmp_path):
    file = tmp_path / "trial.yml"
    file.write_text(TEXT.replace("link_probability: 0.8", "link_probabilty: 0.8"))
    with pytest.raises(SettingsError, match=r"trial.yml: person.link_probability: .*; person.link_probabilty: Extra"):
        load(file)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("person.link_probability", 0.5),
        ("person.link_probability", 1),
        ("company.link_probability", "high"),
        ("person.rare_blocks.rare_name.strangers", 0),
        ("review_probability", 0),
        ("review_probability", 1),
        ("training_pairs", 0),
        ("block_cap", 1),
        ("component_cap", 2),
        ("person.cluster_cap", 1),
        ("person.keys.cap", 1),
        ("person.values.mails.cap", 1),
        ("person.comparisons.given.levels", []),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(path, value):
    with pytest.raises(ValidationError, match=path.rpartition(".")[2]):
        Settings.model_validate(changed(path, value))


@pytest.mark.parametrize("name", ["person", "company", "review_probability", "block_cap"])
def test_a_missing_setting_is_refused_by_name(name):
    settings = yaml.safe_load(TEXT)
    del settings[name]
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate(settings)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "settings.yml").write_text("")
    with pytest.raises(ValueError, match="Settings"):
        load(tmp_path / "settings.yml")


def test_settings_do_not_change_once_read():
    with pytest.raises(ValidationError):
        load().block_cap = 5


def test_comments_and_layout_change_nothing(tmp_path):
    (tmp_path / "settings.yml").write_text(
        "# Another comment\n" + yaml.safe_dump(yaml.safe_load(TEXT), sort_keys=False)
    )
    assert load(tmp_path / "settings.yml") == load()
    assert fingerprints(load(tmp_path / "settings.yml")) == fingerprints(load())


@pytest.mark.parametrize(
    ("path", "value", "kinds"),
    [
        ("person.link_probability", 0.75, {"person"}),
        ("component_cap", 100, {"person", "company"}),
        ("person.rules", {}, {"person"}),
        ("person.keys.linked", [], {"person"}),
        ("person.values.phones.cap", 31, {"person"}),
        ("company.keys.told", {}, {"company"}),
        ("person.rare_blocks", {}, {"person"}),
        ("company.blocks.name", "company || town", {"company"}),
        ("company.contradiction", "false", {"company"}),
    ],
)
def test_each_kind_is_linked_anew_when_its_settings_change(path, value, kinds):
    now = fingerprints(Settings.model_validate(changed(path, value)))
    assert {kind for kind in KINDS if now[kind] != load().fingerprint(kind)} == kinds


def test_another_version_of_a_library_links_anew(monkeypatch):
    before = fingerprints(load())
    monkeypatch.setattr("ml.identity.settings.version", lambda name: "0.0" if name == "splink" else "2.0.0")
    assert all(now != before[kind] for kind, now in fingerprints(load()).items())


@pytest.fixture(scope="module")
def profiles():
    """Empty `profiles` with the frequencies that a model adds; `compared`: two of them, columns named as in levels."""
    columns = [f"cast(null as varchar) as {name}" for name in TEXTS]
    columns += [f"cast(null as varchar[]) as {name}" for name in LISTS if name != "keys"]
    with duckdb.connect() as connection:
        connection.execute(
            f"create table profiles as select 0 as unit, *, {DERIVED} from (select {', '.join(columns)})"
        )
        connection.execute("delete from profiles")
        for name in sorted({name for kind in KINDS for name in load().of(kind).frequency}):
            connection.execute(f"alter table profiles add column tf_{name} double")
        names = [row[0] for row in connection.execute("describe profiles").fetchall()]
        sides = ", ".join(f"l.{name} as {name}_l, r.{name} as {name}_r" for name in names)
        connection.execute(f"create view compared as select {sides} from profiles as l cross join profiles as r")
        yield connection


def levels_of(linkage):
    return [level for comparison in linkage.comparisons.values() for level in comparison.levels]


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_conditions_run_and_are_true_or_false(profiles, kind):
    linkage = load().of(kind)
    both = "select {} from profiles as l cross join profiles as r"
    queries = [both.format(sql) for sql in (linkage.contradiction, *linkage.rules.values(), *linkage.training_blocks)]
    queries += [f"select {level.sql} from compared" for level in levels_of(linkage)]
    for query in queries:
        assert profiles.sql(query).types == ["BOOLEAN"], query


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_values_run_and_are_texts_or_known_lists(profiles, kind):
    linkage = load().of(kind)
    levels = levels_of(linkage)
    values = [*linkage.blocks.values(), *linkage.values, *linkage.frequency]
    values += [comparison.needs for comparison in linkage.comparisons.values()]
    values += [name for level in levels for name in (level.exact, level.frequency) if name]
    for value in values:
        is_list = value in LIST_COLUMNS or value in LISTS
        assert profiles.sql(f"select {value} from profiles").types == ["VARCHAR[]" if is_list else "VARCHAR"], value


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_settings_name_only_what_there_is(kind):
    linkage = load().of(kind)
    assert set(linkage.telling) <= set(linkage.comparisons)
    assert {*linkage.contact_blocks, *linkage.prior_blocks} <= set(linkage.blocks)
    assert set(linkage.values) <= set(LISTS)
    assert {level.frequency for level in levels_of(linkage) if level.frequency} <= set(linkage.frequency)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_and_a_key_never_share_a_name(kind):
    """Both name links, which are unique by pair and name."""
    linkage = load().of(kind)
    names = [*linkage.keys.own, *linkage.keys.linked, *linkage.rules, "model", "decision"]
    assert len(names) == len(set(names))
