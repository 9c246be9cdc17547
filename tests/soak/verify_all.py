"""Trains and signs every algorithm, and runs every check of `verify`: python tests/soak/verify_all.py.

Prints a line an algorithm; the exit code is 1 when any model stopped below `retrain`. With names, only those.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "sample_logs" / "purchase-to-pay.csv"
ASKED = {"outcome": ["--outcome-activity", "Query Vendor"]}
"""What a task has to be told beside the log."""


def pmlcli(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "pmlcli", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def climb(place: Path, name: str) -> str:
    """The check that a freshly trained model reaches, or what went wrong."""
    told = ASKED.get(name.partition("/")[0], [])
    how = ["-a", name, *told, "-o", "model", "--sign", "me.key", "--force", "-q"]
    trained = pmlcli(place, "train", str(LOG), *how)
    if trained.returncode:
        return f"not trained: {trained.stderr.strip().splitlines()[:1]}"
    done = pmlcli(place, "verify", "model", "--public-key", "me.pub", "--retrain", str(LOG), "--json")
    (report,) = json.loads(done.stdout)["models"]
    verdicts = {check["check"]: check["verdict"] for check in report["checks"]}
    return "retrain" if set(verdicts.values()) == {"pass"} else f"{report['reached']} of {verdicts}"


def main(names: list[str]) -> int:
    """Climbs with every algorithm."""
    from pmlcli import registry

    failed = False
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        pmlcli(place, "keygen", "me")
        for name in names or registry.names():
            started = time.monotonic()
            reached = climb(place, name)
            failed |= reached != "retrain"
            sys.stdout.write(f"{name}: {reached} ({time.monotonic() - started:.0f} s)\n")
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
