"""The virtual environments of the libraries that pmlcli is measured beside."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def peers_python(name: str) -> str:
    """The interpreter of an environment of `requirements-NAME.txt`, made when it is not there."""
    folder = HERE / f".peers-{name}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        command = [python, "-m", "pip", "install", "-q", "-r", HERE / f"requirements-{name}.txt"]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return str(python)
