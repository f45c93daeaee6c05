"""What a night is made of: `make supply` lists the packages and their licences, `make audit` asks for known weaknesses.

The lists are of `requirements/runtime.txt` alone, installed into an environment of its own: what lint and tests need
does not travel.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REQUIREMENTS = PROJECT / "requirements"
UV = Path(sys.executable).with_name("uv")
# Licences that would decide about the licence of Kehu as a whole; the Lesser ones do not.
REFUSED = re.compile(r"(?<!Lesser )(?<!Library )\b(Affero )?General Public|\bA?GPL")


def main() -> int:
    """Write the lists, or audit; 1 if a licence is refused or a weakness is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["lists", "audit"])
    parser.add_argument("--out", type=Path, default=PROJECT / ".kehu" / "supply", help="folder for the lists")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    tools = environment(given.out / "tools", "supply")
    return audit(tools) if given.what == "audit" else lists(tools, given.out)


def environment(folder: Path, requirements: str) -> Path:
    """The `bin` of an environment with exactly these locked requirements."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder)
    python = folder / "bin" / "python"
    file = REQUIREMENTS / f"{requirements}.txt"
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", file], check=True)
    return python.parent


def lists(tools: Path, out: Path) -> int:
    """Write `sbom.json` (CycloneDX) and `licences.csv`."""
    python = environment(out / "runtime", "runtime") / "python"
    sbom, licences = out / "sbom.json", out / "licences.csv"
    about = ["--pyproject", PROJECT / "pyproject.toml", "--output-reproducible"]
    subprocess.run([tools / "cyclonedx-py", "environment", *about, "--output-file", sbom, python], check=True)
    shown = ["--format=csv", "--with-urls", f"--output-file={licences}"]
    subprocess.run([tools / "pip-licenses", f"--python={python}", *shown], check=True, stdout=subprocess.DEVNULL)
    with licences.open(encoding="utf-8", newline="") as lines:
        refused = [row["Name"] for row in csv.DictReader(lines) if is_refused(row["License"])]
    print(f"packages  {sbom}\nlicences  {licences}")
    if refused:
        print(f"refused for their licence: {', '.join(refused)}")
    return 1 if refused else 0


def is_refused(licence: str) -> bool:
    """Whether none of the licences that a package may be taken under lets Kehu keep its own."""
    return all(REFUSED.search(choice) for choice in re.split(r"; | OR ", licence))


def audit(tools: Path) -> int:
    """Ask the service of advisories about each locked version; a package it does not know is told and fails as well."""
    asked = ["--require-hashes", "--disable-pip", "--strict", "--progress-spinner", "off"]
    files = [part for name in ("runtime", "lineage") for part in ("-r", REQUIREMENTS / f"{name}.txt")]
    return subprocess.run([tools / "pip-audit", *asked, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
