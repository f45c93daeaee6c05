"""Measure the scores, each question with its peers in the same run, and print JSON; progress goes to standard error."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys

PARTS = ("value", "churn", "feedback", "night")


def main() -> None:
    """Measure all parts, or one, each in a process of its own, so that no part pays for another's memory."""
    parser = argparse.ArgumentParser(prog="bench.scores")
    parser.add_argument("--only", choices=PARTS)
    only = parser.parse_args().only
    if only:
        found = {only: importlib.import_module(f"bench.scores_{only}").measure()}
    else:
        found = {name: figures for part in PARTS for name, figures in _apart(part).items()}
    print(json.dumps(found, indent=1, ensure_ascii=False))


def _apart(part: str) -> dict:
    print(f"scores: {part}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.scores", "--only", part]
    done = subprocess.run(command, env=os.environ, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


if __name__ == "__main__":
    main()
