"""What an alert says, and what it never says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kehu.alerts.message import LONGEST_LINE, deadline_missed, safe_line, sources_stale, task_failed, trial
from kehu.paths import PROJECT


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("shop: order_lines_2011-08-12.csv.gz, row 630: UnitPrice is negative", None),
        ("dbt test relationships_fct_order_lines_product_id: Got 3 results, configured to fail if != 0", None),
        ("run 12 is superseded by run 13: rerun it from open_night", None),
        ("crm: /contacts: status 503; given up after several tries", None),
        ("the shop's file isn't there", None),
        ('invalid input syntax for type date: "Jane Roe"', "invalid input syntax for type date: …"),
        ("no customer jane.roe+1@example.org here", "no customer … here"),
        ("call +44 (0)20 7946 0958 first", "call … first"),
        ("手机 13812345678 重复", "手机 … 重复"),
        ("cannot reach postgresql://kehu:canary@db:5432/warehouse now", "cannot reach … now"),
        ("failed: https://hooks.example/T0/canary?x=1", "failed: …"),
        ("password=canary is wrong", "… is wrong"),
        ("Authorization: canary", "…"),
        ("KeyError: 'Jane Roe'", "KeyError: …"),
        ("first\nDETAIL: Failing row contains (canary)", "first"),
        ("", ""),
    ],
)
def test_a_line_without_what_may_be_a_value(line, expected):
    assert safe_line(line) == (line if expected is None else expected)


@given(
    st.sampled_from(["a@b.co", "+86 138 1234 5678", "postgresql://u:p@h/d", "token=abcdef123", '"王小明"']),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\"'"), max_size=40),
)
def test_canaries_do_not_pass_in_any_company(canary, words):
    lines = words.splitlines() or [""]
    told = safe_line(f"{lines[0]} {canary} was refused")
    assert canary not in told
    assert "…" in told


def test_long_lines_are_cut_and_each_alert_names_its_entry_in_the_runbook():
    alert = task_failed("nightly", "build_marts", "manual__x", "2024-01-02", 4, "x " * 1000)
    assert len(alert.lines[0]) < LONGEST_LINE + 20
    late = deadline_missed("nightly", "scheduled__2024-01-02", "2024-01-03 06:00:00+00:00")
    stale = sources_stale("2024-01-02", [("web", "events", 3, 1), ("crm", "Leads", None, None)])
    assert stale.lines == ["web.events: 3 days behind, 1 allowed", "crm.Leads: never read"]
    runbook = (PROJECT / "docs/runbook.md").read_text()
    for one in (alert, late, stale, trial()):
        assert one.text.endswith(f"What to do: docs/runbook.md, {one.kind}")
        assert f"\n### {one.kind}\n" in runbook
