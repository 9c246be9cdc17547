"""Reads event logs with pmlcli, rustxes and pm4py in turn, in one run, and prints times, ratios and counts.

    python benchmarks/reading.py LOG.xes.gz ... [--rounds 5] [-o benchmarks/results/reading.txt]

The peers live in a virtual environment of their own, made on the first run from
`benchmarks/requirements-reading.txt`. Each reading is a process of its own; its clock starts after the
imports and the best of the rounds counts. The readers take turns within a round, so a busy machine slows all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers-reading"

_CLOCK = """
import json, sys, time
path = sys.argv[1]
{imports}
start = time.perf_counter()
{read}
seconds = time.perf_counter() - start
{count}
print(json.dumps({{"seconds": seconds, "cases": cases, "events": events}}))
"""
_FRAME_COUNT = 'cases, events = int(frame["case:concept:name"].nunique()), len(frame)'

READERS = {
    "pmlcli": _CLOCK.format(
        imports="import pandas\nfrom pmlcli.eventlog import read_log",
        read="log = read_log(path)",
        count="cases, events = log.n_cases, log.n_events",
    ),
    "rustxes": _CLOCK.format(
        imports="import rustxes",
        read="frame, attributes = rustxes.import_xes(path)",
        count=_FRAME_COUNT.replace("nunique", "n_unique"),
    ),
    "pm4py": _CLOCK.format(
        imports="import warnings\nwarnings.simplefilter('ignore')\n"
        "import pandas, pm4py, pm4py.util.constants",
        # its own default; where rustxes is installed, as here, it would hand the file to that instead
        read="frame = pm4py.read_xes(path, variant=pm4py.util.constants.DEFAULT_XES_PARSER)",
        count=_FRAME_COUNT,
    ),
}


def peers_python() -> str:
    """The interpreter of the peers' environment, which is made when it is not there."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
        requirements = HERE / "requirements-reading.txt"
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", requirements], check=True, stdout=sys.stderr
        )
    return str(python)


def measure(python: str, script: str, path: Path) -> dict[str, float]:
    """Seconds, cases and events of one reading."""
    done = subprocess.run([python, "-c", script, str(path)], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def compare(path: Path, rounds: int) -> list[str]:
    """The lines of the result for one log."""
    pythons = {name: sys.executable if name == "pmlcli" else peers_python() for name in READERS}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, script in READERS.items():
            runs[name].append(measure(pythons[name], script, path))
    best = {name: min(results, key=lambda result: result["seconds"]) for name, results in runs.items()}
    own = best["pmlcli"]["seconds"]
    lines = [f"{path.name}", f"  {'reader':8} {'seconds':>8} {'cases':>8} {'events':>9}   pmlcli takes"]
    for name, result in best.items():
        ratio = "" if name == "pmlcli" else f"   {own / result['seconds']:.2f} times its time"
        lines.append(f"  {name:8} {result['seconds']:8.2f} {result['cases']:8} {result['events']:9}{ratio}")
    return lines


def main() -> None:
    """Measure the logs given and print (or also write) the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    names = " ".join(path.name for path in options.logs)
    lines = [f"$ python benchmarks/reading.py {names} --rounds {options.rounds}", ""]
    for path in options.logs:
        lines += [*compare(path, options.rounds), ""]
    versions = (
        "from importlib.metadata import version as v; print('rustxes', v('rustxes'), 'pm4py', v('pm4py'))"
    )
    done = subprocess.run([peers_python(), "-c", versions], capture_output=True, text=True, check=True)
    lines.append(f"best of {options.rounds} rounds, readers in turn; {done.stdout.strip()}")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text)


if __name__ == "__main__":
    main()
