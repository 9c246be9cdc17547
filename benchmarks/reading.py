"""Reads XES logs with pmlcli, rustxes, r4pm and pm4py in turn, in one run: CPU time, memory, what was read.

    python benchmarks/reading.py [LOG.xes.gz ...] [--cases 5000,50000] [--readers A,B] [--rounds 5] [-o FILE]

`--cases` adds logs of so many cases, made by `sample_logs/generate.py`. The peers live in a virtual
environment of their own, made on the first run from `benchmarks/requirements-reading.txt`. Each reading is a
process of its own; its clock and its memory count from after the imports, and the best of the rounds counts.
`pm4py` is its default reader where neither Rust library is installed (`iterparse`, as lxml is there);
`chunk_regex` is its quickest, which it takes without lxml. At the end every reader reads the files of
`tests/eventlog/xes_edge`: right is what the tests of pmlcli say of each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _peers import peers_python
from _result import PEAK, tell

ROOT = Path(__file__).resolve().parent.parent
EDGE = ROOT / "tests" / "eventlog" / "xes_edge"
GENERATOR = ROOT / "sample_logs" / "generate.py"

_CLOCK = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
path = sys.argv[1]
{imports}
base, start, cpu = peak(), time.perf_counter(), time.process_time()
{read}
found = {{"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu, "peak": peak() - base}}
{count}
found["cases"], found["events"] = len(set(cases)), len(cases)
if len(cases) < 100:
    found["activities"] = sorted(map(str, activities))
print(json.dumps(found))
"""
_FRAME = """
known = list(frame.columns)
cases, activities = (frame[n] if n in known else [] for n in ("case:concept:name", "concept:name"))
"""
_PM4PY = "import pandas, pm4py, pm4py.util.constants"

READERS = {
    "pmlcli": _CLOCK.format(
        imports="import pandas\nfrom pmlcli.eventlog import read_log",
        read="log = read_log(path)",
        count='cases, activities = log.frame["case_id"], log.frame["activity"]',
    ),
    "rustxes": _CLOCK.format(
        imports="import rustxes", read="frame, _ = rustxes.import_xes(path)", count=_FRAME
    ),
    "r4pm": _CLOCK.format(imports="from r4pm import df", read="frame, _ = df.import_xes(path)", count=_FRAME),
    "pm4py": _CLOCK.format(
        imports=_PM4PY,
        # its own default; where a Rust library is installed, as here, it would hand the file to that instead
        read="frame = pm4py.read_xes(path, variant=pm4py.util.constants.DEFAULT_XES_PARSER)",
        count=_FRAME,
    ),
    "chunk_regex": _CLOCK.format(
        imports=_PM4PY,
        read='frame = pm4py.read_xes(path, variant="chunk_regex")',
        count=_FRAME,
    ),
}


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Seconds, CPU seconds, megabytes, cases and events of one reading; or how it failed."""
    python = sys.executable if reader == "pmlcli" else peers_python("reading")
    done = subprocess.run([python, "-c", PEAK + READERS[reader], str(path)], capture_output=True, text=True)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["killed"]
    return json.loads(lines[-1]) if done.returncode == 0 else {"error": lines[-1]}


def compare(path: Path, rounds: int, readers: list[str]) -> list[str]:
    """The lines of the result for one log."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name in readers:
            runs[name].append(measure(name, path))
    heads = ("seconds", "CPU s", "us/event", "peak MB", "cases", "events")
    lines = [path.name, f"  {'reader':12}{''.join(f'{head:>10}' for head in heads)}"]
    own = min((run["cpu"] for run in runs["pmlcli"]), default=0.0)
    for name, results in runs.items():
        failed = next((run["error"] for run in results if "error" in run), None)
        if failed is not None:
            lines.append(f"  {name:12}fails: {failed[:80]}")
            continue
        r = min(results, key=lambda result: result["cpu"])
        each = r["cpu"] / r["events"] * 1e6
        cells = f"{r['seconds']:10.2f}{r['cpu']:10.2f}{each:10.2f}{r['peak']:10.0f}"
        cells += f"{r['cases']:10}{r['events']:10}"
        against = "" if name == "pmlcli" else f"   pmlcli takes {own / r['cpu']:.2f} times its CPU time"
        lines.append(f"  {name:12}{cells}{against}")
    return lines


def correctness() -> list[str]:
    """How often each reader is right on the edge files, and what it does where it is not."""
    lines = ["the files of tests/eventlog/xes_edge: right as pmlcli's tests have it, by cases and activities"]
    files = sorted(EDGE.glob("*.xes"))
    outcomes = {name: [measure(name, path) for path in files] for name in READERS}
    right = [_told(run) for run in outcomes.pop("pmlcli")]
    for name, found in outcomes.items():
        told = [_told(run) for run in found]
        wrong = [
            f"{path.stem}: {said}, not {should}"
            for path, said, should in zip(files, told, right, strict=True)
            if said != should
        ]
        lines.append(f"  {name:12}{len(files) - len(wrong)} of {len(files)} right")
        lines += [f"    {line}" for line in wrong]
    return lines


def _told(run: dict[str, Any]) -> str:
    if "error" in run:
        return "refused"
    return f"{run['cases']} cases with {', '.join(run['activities']) or 'no event'}"


def generated(cases: str, folder: Path) -> Path:
    """A sample log of so many cases as XES."""
    subprocess.run([sys.executable, GENERATOR, "--cases", cases, "--out", folder], check=True)
    path = folder / f"generated-{cases}-cases.xes.gz"
    (folder / "purchase-to-pay.xes.gz").rename(path)
    return path


def main() -> None:
    """Measure the logs given and print (or also write) the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--cases", default="")
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    names = "".join(f" {path.name}" for path in options.logs)
    made = f" --cases {options.cases}" if options.cases else ""
    readers = options.readers.split(",")
    some = f" --readers {options.readers}" if len(readers) < len(READERS) else ""
    command = f"$ python benchmarks/reading.py{names}{made}{some} --rounds {options.rounds}"
    lines = [command, ""]
    with tempfile.TemporaryDirectory() as folder:
        for path in options.logs:
            lines += [*compare(path, options.rounds, readers), ""]
        for cases in filter(None, options.cases.split(",")):
            lines += [*compare(generated(cases, Path(folder)), options.rounds, readers), ""]
    lines += [*correctness(), ""]
    peers = ("rustxes", "r4pm", "pm4py")
    versions = f"from importlib.metadata import version; print(*(n + ' ' + version(n) for n in {peers}))"
    done = subprocess.run(
        [peers_python("reading"), "-c", versions], capture_output=True, text=True, check=True
    )
    lines.append(f"best of {options.rounds} rounds by CPU time, readers in turn; {done.stdout.strip()}")
    tell(lines, options.output)


if __name__ == "__main__":
    main()
