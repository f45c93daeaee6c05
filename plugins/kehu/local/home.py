"""Where a local Kehu keeps its state, its secrets and the environment its processes share."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from kehu.paths import state_folder


@dataclass(frozen=True)
class Home:
    """The folder of one local installation; everything `make clean` removes is below it."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The folder named by `KEHU_HOME`, else `.kehu` in the project."""
        return cls(state_folder())

    @property
    def airflow(self) -> Path:
        return self.root / "airflow"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def pids(self) -> Path:
        return self.root / "run"

    def create(self) -> Home:
        """Make the folders, readable by their owner only."""
        for folder in (self.root, self.airflow, self.logs, self.reports, self.pids):
            folder.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for folder in (self.airflow, self.logs, self.reports, self.pids):
            folder.chmod(0o700)
        return self

    @property
    def has_secrets(self) -> bool:
        """Whether it is an installation with secrets of its own."""
        return self._secrets_file.exists()

    @property
    def _secrets_file(self) -> Path:
        return self.root / "secrets.json"

    def secrets(self) -> dict[str, str]:
        """The generated secrets of this installation, made once and kept in a file of mode 0600.

        An installation that was made before one of them was thought of gets it on the next call.
        """
        path = self._secrets_file
        kept = dict(json.loads(path.read_text())) if path.exists() else {}
        if not {"night_password", "pseudonym_key", "vault_key"} <= kept.keys():
            made = {
                "postgres_password": secrets.token_urlsafe(24),
                "night_password": secrets.token_urlsafe(24),
                "bi_reader_password": secrets.token_urlsafe(24),
                "ui_password": secrets.token_urlsafe(12),
                "jwt_secret": secrets.token_urlsafe(48),
                "api_secret_key": secrets.token_urlsafe(48),
                "fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                "erasure_key": secrets.token_urlsafe(48),
                "pseudonym_key": secrets.token_urlsafe(48),
                "vault_key": secrets.token_urlsafe(48),
            }
            kept = made | kept
            write_private(path, json.dumps(kept, indent=1))
        return kept


def write_private(path: Path, text: str) -> None:
    """Write `text` to a file that only its owner can read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
