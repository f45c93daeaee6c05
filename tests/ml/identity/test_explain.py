"""Why records are one customer: ids that lead on, what ties each record, steps that add up, and no personal data."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from kehu.cli import app
from kehu.warehouse.tables import connect
from ml.identity.calibrate import Calibration
from ml.identity.evidence import waterfall
from ml.identity.explain import UnknownCustomerError, explain
from ml.identity.explain_picture import draw, nodes_of, panels_of
from ml.identity.model import Model
from ml.identity.paths import strongest_ties
from ml.identity.settings import load
from ml.identity.state import State, save_model
from tests.ml.identity.graphs import assign, event, execute, link, make_records

LINKAGE = load().person


def level(label, m, u, **more):
    return {"label_for_charts": label, "m_probability": m, "u_probability": u, **more}


MODEL = Model(
    {
        "probability_two_random_records_match": 2**-10 / (1 + 2**-10),
        "comparisons": [
            {
                "output_column_name": "mail",
                "comparison_levels": [level("same mail", 0.5, 2**-9), level("different", 0.25, 0.5)],
            },
            {
                "output_column_name": "given",
                "comparison_levels": [
                    {"label_for_charts": "not known", "is_null_level": True},
                    level("same name", 0.5, 0.25, tf_adjustment_column="name_key"),
                    level("alike", 0.5, 2**-5),
                ],
            },
        ],
    },
    {},
    100,
    Calibration({}, {"given": {"4.0000": 1.5}}),
)


def test_the_steps_add_up_contact_first_and_are_named():
    steps = waterfall({"given": 4.0, "mail": 8.0, "birth": 0.0}, 5.5, LINKAGE, MODEL)
    assert [(step.name, step.outcome, step.bits) for step in steps] == [
        ("prior", "any two records", -10.0),
        ("mail", "same mail", 8.0),
        ("calibration", "", 3.5),
        ("given", "alike", 4.0),
    ]
    assert sum(step.bits for step in steps) == 5.5
    assert waterfall({"given": 1.5}, 0.0, LINKAGE, MODEL)[-1].outcome == "alike"  # as calibrated
    # A weight that no level has is that of a value weighed by how common it is.
    assert waterfall({"given": 6.3}, 0.0, LINKAGE, MODEL)[-1].outcome == "same name"


def test_without_a_model_the_prior_is_part_of_the_calibration():
    steps = waterfall({"given": 4.0, "mail": 8.0}, 5.5, LINKAGE, None)
    assert [(step.name, step.bits) for step in steps] == [
        ("mail", 8.0),
        ("prior and calibration", -6.5),
        ("given", 4.0),
    ]
    assert waterfall(None, 12.0, LINKAGE, MODEL) == ()


def test_ties_take_the_way_with_the_strongest_weakest_link():
    # a-d is there, but weaker than the chain a-b-c-d.
    links = [("c", "d"), ("a", "b"), ("b", "c"), ("a", "d"), ("e", "f")]
    assert strongest_ties(["a", "b", "c", "d", "e", "f"], links) == {"b": ("a", 1), "c": ("b", 2), "d": ("c", 0)}
    assert strongest_ties(["a"], []) == {}
    assert strongest_ties(["b", "a"], [("a", "b"), ("a", "b")]) == {"a": ("b", 0)}


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] < p[1]), min_size=1), st.randoms())
def test_no_way_to_the_first_record_has_a_stronger_weakest_link(pairs, random):
    links = sorted(pairs)
    random.shuffle(links)
    records = [str(n) for n in range(7)]
    ties = strongest_ties(records, [(str(a), str(b)) for a, b in links])
    # The weakest link (the largest number) of the best way between any two, by Floyd and Warshall.
    worst = {pair: float("inf") for pair in itertools.product(range(7), repeat=2)}
    for n, (a, b) in enumerate(links):
        worst[a, b] = worst[b, a] = n
    for middle, a, b in itertools.product(range(7), repeat=3):
        worst[a, b] = min(worst[a, b], max(worst[a, middle], worst[middle, b]))
    for n in range(1, 7):
        weakest, here = -1, str(n)
        while here != "0" and here in ties:
            here, number = ties[here]
            weakest = max(weakest, number)
        assert (weakest if here == "0" else float("inf")) == worst[0, n]


@pytest.fixture
def graph(url):
    """P-b with five records (an account and its order, a CRM contact, a call, a survey) and two former ids; C-a."""
    people = [
        {"record_key": "shop.accounts:1", "known_at": "2024-01-01", "name_key": "eve adam", "mails": ["eve@x.example"]},
        {"record_key": "shop.orders:9", "known_at": "2024-01-02"},
        {"record_key": "zoho_crm.Contacts:5", "known_at": "2024-01-03", "phones": ["+441234567890"]},
        {"record_key": "support.calls:7", "known_at": "2024-01-04"},
        {"record_key": "surveys.nps:3", "known_at": "2024-01-05"},
    ]
    make_records(url, people)
    make_records(url, [{"record_key": "zoho_crm.Accounts:1"}, {"record_key": "zoho_crm.Accounts:2"}], kind="company")
    assign(url, "P-old", "shop.accounts:1", since="2024-02-28", until="2024-03-01")
    assign(url, "P-a", "shop.accounts:1", "zoho_crm.Contacts:5", until="2024-03-02")
    assign(url, "P-b", *(record["record_key"] for record in people), since="2024-03-02")
    assign(url, "P-gone", "shop.accounts:8", until="2024-03-02")
    assign(url, "P-other", "shop.accounts:2")
    assign(url, "C-a", "zoho_crm.Accounts:1", "zoho_crm.Accounts:2", kind="company")
    link(url, "shop.accounts:1", "shop.orders:9", "shop.account")
    link(url, "shop.accounts:1", "zoho_crm.Contacts:5", weight=30.0, evidence={"mail": 22.2, "given": 10.5})
    link(url, "zoho_crm.Contacts:5", "support.calls:7", "name_and_mail")
    link(url, "shop.accounts:1", "support.calls:7", weight=-1.5, evidence={"given": -3.0})
    link(url, "shop.accounts:1", "shop.accounts:2", weight=40.0, evidence={"mail": 22.2}, is_same=False)
    link(url, "shop.accounts:1", "surveys.nps:3", "decision", weight=-100.0, is_same=False)
    link(url, "zoho_crm.Accounts:1", "zoho_crm.Accounts:2", "registration", kind="company")
    event(url, "2024-03-01", "merged", "P-old", "P-a")
    event(url, "2024-03-02", "merged", "P-a", "P-b")
    event(url, "2024-03-02", "vanished", "P-gone")
    return url


def test_a_customer_has_its_records_links_and_ties_in_order(graph):
    explained = explain(graph, "P-b")
    assert [record.record_key for record in explained.records] == [
        "shop.accounts:1", "shop.orders:9", "zoho_crm.Contacts:5", "support.calls:7", "surveys.nps:3",
    ]  # fmt: skip
    assert [link.rule for link in explained.links] == ["decision", "shop.account", "model", "name_and_mail", "model"]
    assert {tie.record_key: (tie.towards, tie.link.rule) for tie in explained.ties} == {
        "shop.orders:9": ("shop.accounts:1", "shop.account"),
        "zoho_crm.Contacts:5": ("shop.accounts:1", "model"),
        "support.calls:7": ("zoho_crm.Contacts:5", "name_and_mail"),
    }
    assert explained.untied == ("surveys.nps:3",)  # a decision against a pair ties nothing


def test_an_alias_leads_to_the_living_customer(graph):
    for asked in ("P-old", "P-a", "P-b"):
        explained = explain(graph, asked)
        assert (explained.asked, explained.customer_id) == (asked, "P-b")
        assert explained.aliases == ("P-a", "P-old")
        assert [(event.event, event.customer_id, event.other_customer_id) for event in explained.history] == [
            ("merged", "P-old", "P-a"),
            ("merged", "P-a", "P-b"),
        ]


def test_an_id_that_lives_again_is_itself(graph):
    assign(graph, "P-a", "shop.accounts:3")
    assert explain(graph, "P-a").customer_id == "P-a"
    assert explain(graph, "P-a").aliases == ()
    assert explain(graph, "P-b").aliases == ("P-old",)


def test_an_alias_goes_with_its_records_when_they_come_apart_again(graph):
    execute(graph, "update identity.assignments set valid_to = '2024-03-04' where record_key = 'shop.accounts:1'"
                   " and valid_to is null")  # fmt: skip
    assign(graph, "P-other", "shop.accounts:1", since="2024-03-04")
    assert explain(graph, "P-old").customer_id == "P-other"
    assert explain(graph, "P-other").aliases == ("P-old",)
    assert explain(graph, "P-b").aliases == ()
    with pytest.raises(UnknownCustomerError, match=r"P-a is several .* P-b \(1\), P-other \(1\)"):
        explain(graph, "P-a")


def test_a_company_is_explained_too(graph):
    explained = explain(graph, "C-a")
    assert (explained.kind, len(explained.records), explained.ties[0].link.rule) == ("company", 2, "registration")


def test_ids_without_records_are_told_apart(graph):
    with pytest.raises(UnknownCustomerError, match="P-nobody"):
        explain(graph, "P-nobody")
    with pytest.raises(UnknownCustomerError, match="since the night of 2024-03-02"):
        explain(graph, "P-gone")


def test_the_model_of_the_night_names_prior_and_outcomes(graph):
    execute(graph, "insert into identity.nights values ('2024-03-05', 'person', 'v1', 'h', 1, true, true, '{}')")
    with connect(graph) as connection:
        save_model(State(connection, "person"), MODEL, "v1", "h", 2, date(2024, 3, 5))
    link(graph, "zoho_crm.Contacts:5", "surveys.nps:3", weight=20.0, evidence={"mail": 8.0, "given": 1.5})
    found = next(link for link in explain(graph, "P-b").links if link.weight == 20.0)
    assert [(step.name, step.outcome) for step in found.steps] == [
        ("prior", "any two records"), ("mail", "same mail"), ("calibration", ""), ("given", "alike"),
    ]  # fmt: skip


def test_the_picture_has_a_node_for_records_that_share_a_key_and_a_panel_for_like_links(graph, tmp_path):
    link(graph, "zoho_crm.Contacts:5", "surveys.nps:3", weight=30.0, evidence={"mail": 22.2, "given": 10.5})
    explained = explain(graph, "P-b")
    nodes = nodes_of(explained)
    assert [(node.head, node.members, node.depth) for node in nodes] == [
        ("shop.accounts:1", ("shop.accounts:1", "shop.orders:9"), 0),
        ("zoho_crm.Contacts:5", ("zoho_crm.Contacts:5",), 1),
        ("support.calls:7", ("support.calls:7",), 2),
        ("surveys.nps:3", ("surveys.nps:3",), 2),
    ]
    assert [len(panel) for panel in panels_of(nodes)] == [2]
    first, again = (draw(explained, tmp_path / f"{n}.png").read_bytes() for n in range(2))
    assert first == again
    assert first.startswith(b"\x89PNG")


@pytest.fixture
def shell(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("KEHU_WAREHOUSE_URL", graph)
    monkeypatch.setenv("KEHU_HOME", str(tmp_path))
    return lambda *words: CliRunner().invoke(app, ["identity", "explain", *words], env={"COLUMNS": "200"})


def test_the_command_tells_why_and_no_value_of_a_person(shell, tmp_path):
    done = shell("P-old")
    assert done.exit_code == 0
    for part in ("P-old lives on as P-b", "support.calls:7", "by name_and_mail", "mail +22.2", "in all +30.0"):
        assert part in done.output
    assert "surveys.nps:3: no link of its own" in done.output
    for value in ("eve", "+441234567890"):
        assert value not in done.output
    assert (tmp_path / "identity" / "explain_P-b.png").exists()


def test_who_asks_for_values_sees_them(shell):
    done = shell("P-b", "--show-values")
    assert "shop.accounts:1: name_key eve adam, mails eve@x.example" in done.output
    assert "+441234567890" in done.output


def test_an_unknown_id_gives_one_line(shell):
    done = shell("P-nobody")
    assert (done.exit_code, done.output) == (1, "no customer has the id P-nobody\n")
