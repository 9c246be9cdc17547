"""What `predict` of detectors costs, beside another checkout of pmlcli, in one run.

    OMP_NUM_THREADS=1 python benchmarks/predict_cost.py LOG ... --before CHECKOUT [-a NAME,...] [--runs 5]
        [-o FILE]

Either version trains its own model of each log with the same seed. Then processes of both, in turn, load it
and predict the log once for practice and once for the clock: processor time of `Model.predict`, at the level
of cases; the least of several processes. `equal` says whether both gave the same bytes as CSV, of cases, of
events where it scores them, and with a false discovery rate.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _result import tell

HERE = Path(__file__).resolve().parent.parent
DETECTORS = ("likelihood", "next-event-gru", "lstm-autoencoder", "vae", "transformer-autoencoder")
MODEL = """
import json, sys
checkout, name, log, place = sys.argv[1:]
sys.path.insert(0, checkout)
import pmlcli
assert pmlcli.__file__.startswith(checkout), pmlcli.__file__
from pmlcli import Model, PredictRequest, read_log
"""
TRAIN = (
    MODEL
    + """
model = Model("anomaly/" + name)
model.train(read_log(log))
model.save(place, check=False)
"""
)
PREDICT = (
    MODEL
    + """
import hashlib, time
log = read_log(log)
model = Model.load(place, trusted=True)
model.predict(log)
before = time.process_time()
model.predict(log)
seconds = time.process_time() - before
digest = hashlib.sha256()
for level in model.algorithm.levels:
    for rate in (None, 0.1):
        request = PredictRequest(level=level, fdr=rate)
        table = model.predict(log, request=request, drift=False).predictions
        digest.update(table.to_csv(index=False).encode())
print(json.dumps({"seconds": seconds, "events": log.n_events, "digest": digest.hexdigest()}))
"""
)


def run(script: str, checkout: Path, *about: str) -> str:
    """What a process says in which this checkout is pmlcli."""
    given = [sys.executable, "-c", script, str(checkout), *about]
    return subprocess.run(given, check=True, capture_output=True, text=True, env=os.environ).stdout


def measured(name: str, log: Path, before: Path, runs: int) -> str:
    """A row of the table."""
    sides: dict[Path, list[dict[str, Any]]] = {before: [], HERE: []}
    with tempfile.TemporaryDirectory() as directory:
        for number, checkout in enumerate(sides):
            run(TRAIN, checkout, name, str(log), f"{directory}/{number}")
        for _run in range(runs):
            for number, (checkout, found) in enumerate(sides.items()):
                found.append(json.loads(run(PREDICT, checkout, name, str(log), f"{directory}/{number}")))
    old, new = (min(one["seconds"] for one in found) for found in sides.values())
    digests = {one["digest"] for found in sides.values() for one in found}
    events = sides[HERE][0]["events"]
    cost = f"{old:>9.2f}{new:>9.2f}{new / old:>8.2f}{1e6 * new / events:>11.1f}"
    return f"{name:25}{log.name[:25]:27}{events:>9,}{cost}{'yes' if len(digests) == 1 else 'NO':>8}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="The cost of predict, beside another checkout.")
    parser.add_argument("logs", type=Path, nargs="+", metavar="LOG")
    parser.add_argument("--before", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("-a", "--algorithms", default=",".join(DETECTORS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    lines = [
        f"{'':25}{'log':27}{'events':>9}{'before s':>9}{'now s':>9}{'ratio':>8}{'us/event':>11}{'equal':>8}"
    ]
    for log in given.logs:
        for name in given.algorithms.split(","):
            lines.append(measured(name, log.resolve(), given.before.resolve(), given.runs))
            print(lines[-1], flush=True, file=sys.stderr)
    tell(lines, given.output)


if __name__ == "__main__":
    main()
