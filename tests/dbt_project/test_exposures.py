"""What the exposures say the night's own report reads is what it reads."""

from __future__ import annotations

import re

import yaml

from kehu.paths import DBT_PROJECT, PROJECT

EXPOSURES = yaml.safe_load((DBT_PROJECT / "models/publish/_exposures.yml").read_text())["exposures"]


def depends_on(name: str) -> set[str]:
    (exposure,) = [exposure for exposure in EXPOSURES if exposure["name"] == name]
    return {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in exposure["depends_on"]}


def test_the_report_reads_the_marts_it_is_said_to_read():
    code = "".join(path.read_text() for path in (PROJECT / "plugins/kehu/report").glob("*.py"))
    read = set(re.findall(r"\bmarts\.(\w+)", code))
    assert "rpt_line_reconciliation" in read
    assert depends_on("nightly_report") == read


def test_the_crm_screen_has_its_one_row_per_customer():
    assert "rpt_customer_360" in depends_on("crm_screen")


def test_each_mart_is_in_a_dashboard():
    marts = {path.stem for path in (DBT_PROJECT / "models/marts").rglob("*.sql")}
    assert "dim_customers" in marts
    boards = [exposure["name"] for exposure in EXPOSURES if exposure["type"] == "dashboard"]
    assert marts <= set().union(*map(depends_on, boards))
