"""Reads the hostile files of the tests, each in a process of its own: time, peak memory, and what is said.

    python benchmarks/hostile_files.py [--rounds 3] [-o benchmarks/results/hostile_files.txt]

The files are those of `tests/eventlog/test_hostile_files.py`, made to exhaust a reader's time or memory.
Time and memory count from after the imports; the largest peak and the least CPU time of the rounds stand in
the table. 2 seconds and 200 MB are promised for each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _result import PEAK, tell

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.eventlog.test_hostile_files import MEGABYTES, hostile  # noqa: E402 (not an installed package)

SECONDS = 2.0

_CHILD = """
import json, sys, time
import pandas
from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
base, start, cpu = peak(), time.perf_counter(), time.process_time()
try:
    read_log(sys.argv[1])
    said = "READ"
except LogError as error:
    said = error.message.removeprefix(sys.argv[1] + ": ")
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
print(json.dumps({"said": said, "seconds": seconds, "cpu": cpu, "peak": peak() - base}))
"""


def measure(path: Path) -> dict[str, Any]:
    """Seconds, CPU seconds and megabytes of one reading, and the error's message."""
    command = [sys.executable, "-c", PEAK + _CHILD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure each file and print (or also write) the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines = [f"$ python benchmarks/hostile_files.py --rounds {options.rounds}", ""]
    lines.append(f"{'file':22}{'bytes':>12}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}  error")
    worst = {"cpu": 0.0, "peak": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in hostile():
            path = Path(folder) / name
            path.write_bytes(data)
            runs = [measure(path) for _ in range(options.rounds)]
            path.unlink()
            seconds, cpu = (min(run[key] for run in runs) for key in ("seconds", "cpu"))
            peak = max(run["peak"] for run in runs)
            worst = {"cpu": max(worst["cpu"], cpu), "peak": max(worst["peak"], peak)}
            numbers = f"{len(data):12,}{seconds:9.2f}{cpu:8.2f}{peak:9.0f}"
            lines.append(f"{name:22}{numbers}  {runs[0]['said'][:90]}")
    kept = "kept" if worst["cpu"] <= SECONDS and worst["peak"] <= MEGABYTES else "NOT KEPT"
    promise = f"promised: {SECONDS:.0f} s and {MEGABYTES} MB each, {kept}"
    lines += ["", f"most: {worst['cpu']:.2f} s of CPU time, {worst['peak']:.0f} MB; {promise}"]
    lines.append(f"of {options.rounds} rounds: least times, largest peak")
    tell(lines, options.output)


if __name__ == "__main__":
    main()
