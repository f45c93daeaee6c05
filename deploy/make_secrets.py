"""Write a fresh set of secret files for the compose deployment; never overwrites one."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from pathlib import Path


def make(folder: Path) -> list[str]:
    """Create the missing secrets in `folder`, one file each, in a folder closed to others; return the names made."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    values = {name: secrets.token_urlsafe(32) for name in ("warehouse_password", "airflow_password")}
    keys = ("jwt_secret", "api_secret_key", "erasure_key", "pseudonym_key")
    values |= {name: secrets.token_urlsafe(48) for name in keys}
    values["fernet_key"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    values["ui_passwords"] = json.dumps({"admin": secrets.token_urlsafe(16)})
    made = []
    for name, value in values.items():
        path = folder / name
        if not path.exists():
            # The folder is closed; the files must be readable by the containers' users.
            path.write_text(value)
            path.chmod(0o644)
            made.append(name)
    return made


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python deploy/make_secrets.py FOLDER")
    print(f"made: {', '.join(make(Path(sys.argv[1]))) or 'nothing, all are there'}")
