"""What the Dockerfile lets into the image: no secret, no state of a developer's machine."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from kehu.paths import PROJECT

RULES = (PROJECT / ".dockerignore").read_text().splitlines()
IGNORED = [line.strip() for line in RULES if line.strip() and not line.startswith("#")]
ROOMS = ("dags", "plugins", "ml", "expectations", "dbt_project", "deploy", "sources.yml", "pyproject.toml")
COPIED = [
    source
    for line in (PROJECT / "Dockerfile").read_text().splitlines()
    if line.startswith("COPY ")
    for source in line.split()[1:-1]
]


def goes_in(path: str) -> bool:
    """Whether a file of the project would be copied, by the rules of Docker's build context."""
    parts = path.split("/")
    stages = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    for rule in IGNORED:
        plain = rule.removeprefix("**/")
        if any(fnmatch(stage, plain) or (plain != rule and fnmatch(stage, f"*/{plain}")) for stage in stages):
            return False
    # A variable in a name may stand for anything.
    sources = [re.sub(r"\$\{\w+\}", "*", source).rstrip("/") for source in COPIED]
    return any(fnmatch(stage, source) for stage in stages for source in sources)


@pytest.mark.parametrize(
    "path",
    [
        ".env", ".kehu/secrets.json", ".kehu/logs/nightly.log", "secrets/warehouse_password",
        "deploy/secrets/fernet_key", "deploy/.env", "sample/.env", "dbt_project/target/manifest.json",
        "dbt_project/logs/dbt.log", ".git/config", "dbt_project/.user.yml", "deploy/tls/server.key",
        "plugins/id_rsa.pem", "decisions/decisions.csv", "tests/a.py",
    ],
)  # fmt: skip
def test_secrets_and_state_stay_out(path):
    assert not goes_in(path)


def test_what_a_night_needs_goes_in():
    for path in ("dags/nightly.py", "plugins/kehu/cli.py", "dbt_project/profiles.yml", "deploy/entrypoint.py"):
        assert goes_in(path)


def test_no_file_that_goes_in_holds_a_private_key_or_a_password():
    held = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@{}<>\"']+:[^/\s@{}<>\"'$%*.]{8,}@")
    found = [
        path.relative_to(PROJECT).as_posix()
        for source in ROOMS
        for path in ([PROJECT / source] if (PROJECT / source).is_file() else sorted((PROJECT / source).rglob("*")))
        if path.is_file() and goes_in(path.relative_to(PROJECT).as_posix()) and held.search(Path(path).read_bytes())
    ]
    assert found == []


def test_the_image_declares_no_secret():
    text = (PROJECT / "Dockerfile").read_text()
    assert not re.search(r"(ENV|ARG)[^\n]*(PASSWORD|SECRET|TOKEN|_KEY)\b[^\n]*=", text)
