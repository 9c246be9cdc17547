"""What the confined child costs: load and predict with and without it, in turn, in one process.

python benchmarks/isolation.py [runs]   (result: benchmarks/results/isolation.txt)
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pmlcli import Model, read_log
from pmlcli.algorithms._interface.request import PredictRequest

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "sample_logs" / "purchase-to-pay.csv"
NEW = ROOT / "sample_logs" / "purchase-to-pay-new.csv"
ALGORITHMS = {
    "next-activity/ngram": {},
    "anomaly/isolation-forest": {},
    "forecast/seasonal-naive": {},
}


Times = tuple[float, float]


def milliseconds(model: Path, *, isolated: bool) -> Times:
    """Of wall clock and of processor time, the child's too: verify, load, predict."""
    wall, cpu = time.perf_counter(), used()
    Model.load(model, trusted=not isolated).predict(ASKED, request=PredictRequest(cases="all"))
    return 1000 * (time.perf_counter() - wall), 1000 * (used() - cpu)


def used() -> float:
    """Processor seconds of this process and its children so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(runs: int) -> None:
    """Prints a row an algorithm: medians of runs that alternate, and what isolation adds to them."""
    print("wall / CPU milliseconds")
    print("| algorithm | in process | isolated | more: median | more: quickest |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for name, parameters in ALGORITHMS.items():
            model = Model(name, **parameters)
            model.train(TRAINED)
            saved = model.save(Path(place) / name.replace("/", "-")).path
            milliseconds(saved, isolated=False)
            plain, isolated = [], []
            for _ in range(runs):
                plain.append(milliseconds(saved, isolated=False))
                isolated.append(milliseconds(saved, isolated=True))
            more = [(two[0] - one[0], two[1] - one[1]) for one, two in zip(plain, isolated, strict=True)]
            quickest = [min(t[i] for t in isolated) - min(t[i] for t in plain) for i in (0, 1)]
            medians = [
                [statistics.median(t[i] for t in times) for i in (0, 1)] for times in (plain, isolated, more)
            ]
            cells = [f"{wall:.0f} / {cpu:.0f}" for wall, cpu in (*medians, quickest)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    TRAINED, ASKED = read_log(LOG), read_log(NEW)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
