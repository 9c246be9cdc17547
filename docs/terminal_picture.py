"""docs/pictures/first-look.svg: what the README's first commands show on a terminal of 100 columns.

python docs/terminal_picture.py   trains on the sample log and draws the picture (half a minute)
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "first-look.svg"
WIDTH = 100
LOG, NEW = "sample_logs/purchase-to-pay.csv", "sample_logs/purchase-to-pay-new.csv"
STEPS = (
    f"train {LOG} -t anomaly -o MODELS/odd -q",
    f"predict MODELS/odd {LOG} --top 5",
    f"train {LOG} -t remaining-time -o MODELS/late -q",
    f"predict MODELS/late {NEW} --sla 60d --top 5",
)


def shown(command: str, models: str) -> str:
    """What a command writes on a terminal, colours included; what goes to stderr is left out."""
    arguments = command.replace("MODELS", models).split()
    environment = os.environ | {"COLUMNS": str(WIDTH), "TERM": "xterm", "PMLCLI_NO_PROGRESS": "1"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pmlcli", *arguments],
        cwd=ROOT, env=environment, stdout=theirs, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        os.close(theirs)
        text = read_all(ours)
    if process.returncode:
        raise SystemExit(f"{command}: exit code {process.returncode}")
    return text


def read_all(terminal: int) -> str:
    """All that is written until the other end is closed."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode().replace("\r\n", "\n")
        parts.append(part)


def picture() -> str:
    """The commands and what they show as SVG, without the fonts that it would fetch from elsewhere."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    with tempfile.TemporaryDirectory() as models:
        for command in STEPS:
            said = shown(command, models)
            told = command.replace("MODELS", "models")
            console.print(Text(f"$ pmlcli {told}", style="bold green"))
            if said:
                console.print(Text.from_ansi(said.rstrip("\n")), end="\n\n")
    drawn = console.export_svg(title="pmlcli", unique_id="first-look")
    drawn = re.sub(r"<!--.*?-->", "", drawn)
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
