"""Outcomes drawn for a list that was handed out."""

from __future__ import annotations

import csv
import json
from datetime import date

from typer import Typer
from typer.testing import CliRunner

from kehu.paths import DBT_PROJECT
from world.outcomes import main, tell_outcomes

ROWS = [{"list_key": f"L-{n}", "channel": "mail" if n % 2 else "phone"} for n in range(400)]


def test_each_row_has_one_outcome_with_a_known_code_on_the_day():
    told = tell_outcomes(ROWS, date(2024, 12, 31))
    with (DBT_PROJECT / "seeds/list_outcome_codes.csv").open(encoding="utf-8") as file:
        codes = {row["outcome_code"] for row in csv.DictReader(file)}
    assert [row["list_key"] for row in told] == [row["list_key"] for row in ROWS]
    assert len({row["outcome_id"] for row in told}) == len(ROWS)
    assert {row["outcome"] for row in told} <= codes
    assert {row["contacted_at"][:10] for row in told} == {"2024-12-31"}
    written = {row["outcome"] for row in told if row["channel"] == "mail"}
    assert written == {"sent", "wrong_contact"}


def test_the_same_rows_day_and_seed_give_the_same():
    assert tell_outcomes(ROWS, date(2024, 12, 31)) == tell_outcomes(ROWS, date(2024, 12, 31))
    assert tell_outcomes(ROWS, date(2024, 12, 31)) != tell_outcomes(ROWS, date(2024, 12, 31), seed=2)


def test_several_lists_of_a_day_go_into_one_file(tmp_path):
    app = Typer()
    app.command()(main)
    for name, key in (("a", "L-1"), ("b", "L-2")):
        (tmp_path / f"{name}.csv").write_text(f"list_key,channel\n{key},phone\n", encoding="utf-8-sig")
        command = ["--list", str(tmp_path / f"{name}.csv"), "--day", "2024-12-31", "--out", str(tmp_path / "lists")]
        assert CliRunner().invoke(app, command).exit_code == 0
    lines = (tmp_path / "lists/outcomes_2024-12-31.jsonl").read_text().splitlines()
    assert [json.loads(line)["list_key"] for line in lines] == ["L-1", "L-2"]
