"""What the confined child costs: `predict` with and without it, in turn, each in a fresh process.

python benchmarks/isolation.py [runs]   (result: benchmarks/results/isolation.md)
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "sample_logs" / "purchase-to-pay.csv"
NEW = ROOT / "sample_logs" / "purchase-to-pay-new.csv"
ALGORITHMS = ("next-activity/ngram", "anomaly/isolation-forest", "forecast/arima", "next-activity/gru")


def pmlcli(*arguments: str) -> float:
    """Processor seconds of a command and its children; fails when it fails."""
    before = os.times()
    command = [sys.executable, "-m", "pmlcli", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def timed(*arguments: str) -> tuple[float, float]:
    """Processor seconds and seconds by the clock."""
    started = time.perf_counter()
    used = pmlcli(*arguments)
    return used, time.perf_counter() - started


def main(runs: int) -> None:
    """Prints a row an algorithm: medians, and the median of the differences of neighbouring runs."""
    print("| algorithm | without (CPU s) | more with isolation: CPU (ms) | by the clock (ms) |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for name in ALGORITHMS:
            model = str(Path(place) / name.replace("/", "-"))
            pmlcli("train", str(LOG), "-a", name, "-o", model, "-q")
            ask = ["predict", model, str(NEW), "-q"] if "forecast" not in name else ["predict", model, "-q"]
            pairs = [(timed(*ask, "--no-isolation"), timed(*ask)) for _ in range(runs)]
            without = statistics.median(plain[0] for plain, _ in pairs)
            cpu = statistics.median(isolated[0] - plain[0] for plain, isolated in pairs) * 1000
            clock = statistics.median(isolated[1] - plain[1] for plain, isolated in pairs) * 1000
            print(f"| {name} | {without:.2f} | {cpu:.0f} | {clock:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
