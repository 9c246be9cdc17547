"""Reads CSV logs of growing size with pmlcli and pandas in turn: time, peak memory, and what was read.

    python benchmarks/reading_csv.py [--cases 5000,50000,500000] [--rounds 3] [-o FILE]

The logs are made by `sample_logs/generate.py`. Each reading is a process of its own; its clock and its
memory count from after a first reading of a few rows in the same way. `pandas` is a bare `read_csv`, which
guesses types (it would make a number of the case `007`) and, as pyarrow is installed, holds text in Arrow's
memory; `own storage` is the same with text in pandas' own storage, in which a log holds it; `as text` keeps
every cell as it is written, as a log needs it. None of them reads times, checks rows, hashes or sorts. `log`
is the size in memory of what was read; peak is also given as a multiple of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _result import PEAK, tell

SAMPLES = Path(__file__).resolve().parent.parent / "sample_logs"
GENERATOR, FEW = SAMPLES / "generate.py", SAMPLES / "purchase-to-pay-new.csv"

_CLOCK = """
import json, sys, time
import pandas
from pmlcli.eventlog import read_log
def read(path):
    %s
read(sys.argv[2])
base, start, cpu = peak(), time.perf_counter(), time.process_time()
log, frame = read(sys.argv[1])
seconds, cpu, most = time.perf_counter() - start, time.process_time() - cpu, peak() - base
def size_of(column):  # a text that many rows share is there once
    values = column.array
    if column.dtype != object and getattr(column.dtype, "storage", "") != "python":
        return column.memory_usage(index=False, deep=True)
    texts = {id(text): text for text in values._ndarray if text is not None}
    return 8 * len(column) + sum(map(sys.getsizeof, texts.values()))
arrays = ("offsets", "activity_codes", "resource_codes", "times", "lines")
size = sum(size_of(frame[name]) for name in frame.columns)
size = (size + sum(getattr(log, name).nbytes for name in arrays if log is not None)) / 2**20
counts = {"cases": int(frame["case_id"].nunique()), "events": len(frame)}
print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": most, "log": size, **counts}))
"""
READERS = {
    "pmlcli": "log = read_log(path); return log, log.frame",
    "pandas": "return None, pandas.read_csv(path)",
    "own storage": "pandas.set_option('mode.string_storage', 'python'); return None, pandas.read_csv(path)",
    "as text": "return None, pandas.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)",
}


def measure(reader: str, path: Path) -> dict[str, float]:
    """Seconds, CPU seconds, megabytes and counts of one reading."""
    command = [sys.executable, "-c", PEAK + _CLOCK % READERS[reader], path, FEW]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(path: Path, rounds: int) -> list[str]:
    """The lines of the result for one log."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name in READERS:
            runs[name].append(measure(name, path))
    best = {name: min(results, key=lambda result: result["cpu"]) for name, results in runs.items()}
    lines = [f"{best['pmlcli']['events']:,} events, {path.stat().st_size / 2**20:,.0f} MB"]
    heads = ("seconds", "CPU s", "us/event", "peak MB", "log MB", "cases", "peak/log")
    lines.append(f"  {'reader':16}{''.join(f'{head:>10}' for head in heads)}")
    for name, r in best.items():
        each = r["cpu"] / r["events"] * 1e6
        decimals = (r["seconds"], r["cpu"], each), (r["peak"], r["log"], r["cases"]), (r["peak"] / r["log"],)
        cells = [f"{x:10.{0 if i == 1 else 2}f}" for i, numbers in enumerate(decimals) for x in numbers]
        times = best["pmlcli"]["cpu"] / r["cpu"]
        against = "" if name == "pmlcli" else f"   pmlcli takes {times:.2f} times its CPU time"
        lines.append(f"  {name:16}{''.join(cells)}{against}")
    return lines


def main() -> None:
    """Make the logs, measure, and print (or also write) the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", default="5000,50000,500000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines = [f"$ python benchmarks/reading_csv.py --cases {options.cases} --rounds {options.rounds}", ""]
    with tempfile.TemporaryDirectory() as place:
        for cases in options.cases.split(","):
            command = [sys.executable, str(GENERATOR), "--cases", cases, "--out", place, "--csv-only"]
            subprocess.run(command, check=True)
            lines += [*compare(Path(place) / "purchase-to-pay.csv", options.rounds), ""]
    lines.append(f"best of {options.rounds} rounds by CPU time, readers in turn")
    tell(lines, options.output)


if __name__ == "__main__":
    main()
