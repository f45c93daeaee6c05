"""What an alert says: which night, which task, why in one line, where to read on; nothing of a person, no secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_LINE = 300
RUNBOOK = "docs/runbook.md"
# An error's line names files, tables and rules. Whatever in it could be a value is left out, at the cost of some names.
HIDDEN = (
    re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE),  # addresses: they may hold passwords and tokens
    re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.\w+"),  # mail addresses
    re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key|authorization|bearer|sign)\b\s*[=:]?\s*\S+"),
    re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|(?<!\w)'[^']*'(?!\w)"),  # quoted values
    re.compile(
        r"(?<![\w.])(?!\d{4}-\d\d-\d\d(?!\d))\+?\(?\d(?:[ ()/-]{0,2}\d){6,}(?![\w-])"
    ),  # phone numbers, but no dates
)


@dataclass(frozen=True)
class Alert:
    """One thing that a person should know. `kind` is its heading in the runbook."""

    kind: str
    title: str
    lines: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The message as plain text."""
        return "\n".join([self.title, *self.lines, f"What to do: {RUNBOOK}, {self.kind}"])


def safe_line(text: str) -> str:
    """The first line of an error without what may be a value: addresses, mails, quoted words, long numbers, secrets."""
    lines = text.strip().splitlines()
    line = lines[0].strip() if lines else ""
    for pattern in HIDDEN:
        line = pattern.sub("…", line)
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def task_failed(dag: str, task: str, run: str, day: str | None, tries: int, reason: str) -> Alert:
    """A task failed for good; `run` is Airflow's name of the run, `day` the night it builds."""
    title = f"Kehu: {task} failed" + (f" in the night of {day}" if day else f" in {dag}")
    said = f"Readers keep the last published night. Tries: {tries}. Run: {dag}, {safe_line(run)}"
    return Alert("task_failed", title, (f"Reason: {safe_line(reason)}", said))


def deadline_missed(dag: str, run: str, deadline: str) -> Alert:
    """A run was not done by its deadline (a time in UTC, as text)."""
    title = f"Kehu: {dag} is late"
    return Alert("deadline_missed", title, (f"It should have been done by {deadline}.", f"Run: {safe_line(run)}"))


def sources_stale(day: str, stale: Sequence[tuple[str, str, int | None, int | None]]) -> Alert:
    """Sources that a published night shows as stale: source, entity, days behind the night, days allowed."""
    lines = [
        f"{source}.{entity}: " + ("never read" if behind is None else f"{behind} days behind")
        + (f", {allowed} allowed" if allowed is not None else "")
        for source, entity, behind, allowed in stale
    ]  # fmt: skip
    return Alert("sources_stale", f"Kehu: {len(stale)} stale in the night of {day}", lines)


def trial() -> Alert:
    """What `make alert-test` sends."""
    return Alert("alert_test", "Kehu: a test of the alerts", ("Somebody asked for it. Nothing is wrong.",))
