"""Write a fresh set of secret files for the compose deployment, the databases' certificate too; never overwrites one.

Needs the library `cryptography`, for the certificate. Further words are names or addresses by which clients reach the
databases, beside those that the compose file uses.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

HOSTS = ("warehouse-db", "airflow-db", "localhost", "127.0.0.1")
TLS = ("database_tls_root", "database_tls_certificate", "database_tls_key")
VALID_DAYS = 3650


def make(folder: Path, hosts: Sequence[str] = ()) -> list[str]:
    """Create the missing secrets in `folder`, one file each, in a folder closed to others; return the names made.

    The three files of the certificate belong together: if one is missing, all are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    passwords = ("warehouse_password", "night_password", "airflow_password")
    keys = ("jwt_secret", "api_secret_key", "erasure_key", "pseudonym_key", "vault_key")
    values = {name: secrets.token_urlsafe(32) for name in passwords}
    values |= {name: secrets.token_urlsafe(48) for name in keys}
    values["fernet_key"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    values["ui_passwords"] = json.dumps({"admin": secrets.token_urlsafe(16)})
    values = {name: value for name, value in values.items() if not (folder / name).exists()}
    if not all((folder / name).exists() for name in TLS):
        values |= certificate([*HOSTS, *hosts])
    for name, value in values.items():
        path = folder / name
        # The folder is closed; the files must be readable by the containers' users.
        path.write_text(value)
        path.chmod(0o644)
    return list(values)


def certificate(hosts: Sequence[str]) -> dict[str, str]:
    """A key and a certificate for servers of these names, and the root that signed it, whose own key is not kept."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _name("Kehu databases, root")
    root = _signed(root_name, root_name, root_key, root_key, x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    server = _signed(_name(hosts[0]), root_name, key, root_key, names)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = [one.public_bytes(serialization.Encoding.PEM).decode() for one in (root, server)]
    return dict(zip(TLS, [*pem, private.decode()], strict=True))


def _signed(subject: Any, issuer: Any, key: Any, signing_key: Any, extension: Any) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
    valid = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=VALID_DAYS))
    return valid.sign(signing_key, hashes.SHA256())


def _name(text: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python deploy/make_secrets.py FOLDER [HOST ...]")
    try:
        done = make(Path(sys.argv[1]), sys.argv[2:])
    except ImportError:
        sys.exit("the certificate needs the Python library cryptography: python3 -m pip install cryptography")
    print(f"made: {', '.join(done) or 'nothing, all are there'}")
