"""How a benchmark measures the memory of a process of its own, and says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PEAK = """
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
"""
"""Part of a script that another interpreter runs: the most megabytes it has held so far."""


def tell(lines: Sequence[str], output: Path | None) -> None:
    """Prints the lines of a result, and writes them to a file, too, where one is named."""
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
