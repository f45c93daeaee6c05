"""The runbook as tests read it: its steps, the lines of its table, the statements and commands they name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kehu.paths import PROJECT

RUNBOOK = PROJECT / "docs" / "runbook.md"
TYPED_IN = {"make psql": "psql", "make raw": "raw"}
ENTRY = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |^$|\Z)", re.MULTILINE | re.DOTALL)
# What stands for a value: a day, a process, anything else.
STANDS_FOR = {"<day>": "2024-01-30", "LOAD=…": "LOAD=1", "SETTINGS=…": "SETTINGS=ml/identity/settings.yml", "…": "x"}


@dataclass(frozen=True)
class Statement:
    """A statement, and where the text says to type it: `psql`, `raw`, or None where it says nothing."""

    text: str
    typed_in: str | None


def steps() -> dict[str, str]:
    """The text of each numbered step, by alert and number; of an entry without numbers, of the entry."""
    found = {}
    for kind, body in ENTRY.findall(RUNBOOK.read_text()):
        numbered = STEP.findall(body)
        found |= {f"{kind} {number}": text for number, text in numbered} or {kind: body}
    return found


def lines() -> dict[str, str]:
    """What to do by what you see: the table's last column by its first."""
    table = RUNBOOK.read_text().split("## What a task's line means")[1]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[0].strip(): row[-1].strip() for row in rows}


def _spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def statements() -> list[Statement]:
    """Each statement, to be typed where the next such words of its step or line say."""
    found = []
    for text in (*steps().values(), *lines().values()):
        spans = _spans(text)
        for place, span in enumerate(spans):
            if span.startswith("select "):
                where = next((TYPED_IN[later] for later in spans[place:] if later in TYPED_IN), None)
                found.append(Statement(span, where))
    return found


def commands() -> list[str]:
    """Each `make …`, once, with values for what stands for some."""
    text = re.sub(r"^```.*?^```", "", RUNBOOK.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = dict.fromkeys(span for span in _spans(text) if span.startswith("make "))
    return [_filled(command) for command in found]


def statement(beginning: str) -> Statement:
    """The one statement that begins so."""
    (found,) = (one for one in statements() if one.text.startswith(beginning))
    return found


def _filled(command: str) -> str:
    for sign, value in STANDS_FOR.items():
        command = command.replace(sign, value)
    return command
