"""The locked sets agree: whoever adds OpenLineage gets the very packages that the night is tested with."""

from __future__ import annotations

import re

from kehu.paths import PROJECT


def pins(name: str) -> set[str]:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9][\w.\[\]-]*==[^\s;\\]+)", text, re.MULTILINE))


def test_lineage_is_the_runtime_and_a_few_more():
    runtime, lineage = pins("runtime"), pins("lineage")
    assert len(runtime) > 100
    assert runtime <= lineage
    more = {pin.split("==")[0] for pin in lineage - runtime}
    assert "apache-airflow-providers-openlineage" in more
    assert len(more) < 12
