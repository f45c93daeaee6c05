"""`make check` looks at what a branch changed, and at no more files than these."""

from __future__ import annotations

import subprocess

import pytest

from tools import check


def git(folder, *words):
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def branch(tmp_path, monkeypatch):
    """A branch that changed one file, removed one, added one and has a new one that is not added yet."""
    git(tmp_path, "init", "-b", "main")
    for name in ("kept.py", "changed.py", "removed.py"):
        (tmp_path / name).write_text("a = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "switch", "-c", "branch")
    (tmp_path / "changed.py").write_text("a = 2\n")
    (tmp_path / "added.py").write_text("a = 3\n")
    git(tmp_path, "rm", "removed.py")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "second")
    (tmp_path / "new.py").write_text("a = 4\n")
    monkeypatch.setattr(check, "PROJECT", tmp_path)
    return tmp_path


def test_changed_files_are_those_since_the_main_branch(branch):
    assert check.changed_files() == ["added.py", "changed.py", "new.py"]
    # What others have merged since is not this branch's.
    git(branch, "switch", "main")
    (branch / "kept.py").write_text("a = 5\n")
    git(branch, "commit", "-am", "third")
    git(branch, "switch", "branch")
    assert check.changed_files() == ["added.py", "changed.py", "new.py"]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (["README.md"], []),
        (["tools/a.py"], ["ruff format", "ruff"]),
        (["dbt_project/models/a.sql", "x.py"], ["ruff format", "ruff", "sqlfluff", *check.DBT_CHECKS]),
        (["dbt_project/models/a.yml"], [*check.DBT_CHECKS]),
        (["dbt_project/macros/a.sql"], [*check.DBT_CHECKS]),
    ],
)
def test_files_call_for_the_checks_of_their_kind(changed, names):
    commands = check.commands(changed)
    assert list(commands) == names
    for name in ("ruff", "sqlfluff"):
        if name in commands:
            assert [word for word in commands[name] if word.endswith((".py", ".sql"))] == [
                file for file in changed if file.endswith(".py" if name == "ruff" else ".sql")
            ]


def test_a_failed_check_fails_the_whole_after_all_have_run(branch, monkeypatch, capsys):
    (branch / "new.py").write_text("a=4\n")
    assert check.changed_files()
    ran = []

    def run(name, command):
        ran.append(name)
        return name != "ruff format"

    monkeypatch.setattr(check, "run", run)
    assert check.main() == 1
    assert ran == ["ruff format", "ruff"]
    assert capsys.readouterr().out.startswith("3 changed files, ")
    monkeypatch.setattr(check, "run", lambda name, command: True)
    assert check.main() == 0
