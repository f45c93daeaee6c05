"""Conditions in SQL that people write into registries, and what keeps a text from being one."""

from __future__ import annotations

import re

LITERAL = re.compile(r"'[^']*'")
CLOCK = re.compile(
    r"\b(now|age|timeofday|random\w*|(clock|statement|transaction)_timestamp|current_\w+|local\w+|uuidv?\d?|gen_\w+)\b"
)
CLOCK_LITERAL = re.compile(r"'\s*(now|today|tomorrow|yesterday)\s*'")


def problem(rule: str) -> str | None:
    """Why a text is no condition that a night could ask, as far as one can tell without asking."""
    plain = LITERAL.sub("''", rule.lower())
    if found := CLOCK.search(plain) or CLOCK_LITERAL.search(rule.lower()):
        return f"{found[0]} differs from run to run; use as_of_date"
    for text, name in ((";", "a semicolon"), ("--", "a comment"), ("/*", "a comment")):
        if text in plain:
            return f"{name} does not belong into a condition"
    depth = 0
    for letter in plain:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
    return "its brackets do not match" if depth else None


def set_out_alike(rule: str) -> str:
    """The rule with single spaces: how it is set out changes nobody; what stands in a literal may."""
    parts = re.split(f"({LITERAL.pattern})", rule)
    return " ".join(part if part.startswith("'") else " ".join(part.split()) for part in parts)


def words(rule: str) -> list[str]:
    """The words of a rule outside of its literals, each once, in the order of the rule."""
    return list(dict.fromkeys(re.findall(r"[a-z_][a-z0-9_]*", LITERAL.sub("", rule.lower()))))
