"""What the confined child costs: load and predict with and without it, in turn, in one process.

python benchmarks/isolation.py [runs]   (result: benchmarks/results/isolation.txt)
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
from pathlib import Path

from pmlcli import Model, read_log
from pmlcli.algorithms._base import PredictRequest

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "sample_logs" / "purchase-to-pay.csv"
NEW = ROOT / "sample_logs" / "purchase-to-pay-new.csv"
ALGORITHMS = {
    "next-activity/ngram": {},
    "anomaly/isolation-forest": {},
    "forecast/seasonal-naive": {},
}


def seconds(model: Path, *, isolated: bool) -> float:
    """Of processor time, the child's too, so that a busy machine does not count: verify, load, predict."""
    started = used()
    Model.load(model, isolated=isolated).predict(ASKED, request=PredictRequest(cases="all"))
    return used() - started


def used() -> float:
    """Processor seconds of this process and its children so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(runs: int) -> None:
    """Prints a row an algorithm: medians of runs that alternate, and the quickest of each."""
    print("| algorithm | in process (ms) | isolated (ms) | more: median (ms) | more: quickest (ms) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for name, parameters in ALGORITHMS.items():
            model = Model(name, **parameters)
            model.train(TRAINED)
            saved = model.save(Path(place) / name.replace("/", "-")).path
            seconds(saved, isolated=False)
            pairs = [(seconds(saved, isolated=False), seconds(saved, isolated=True)) for _ in range(runs)]
            plain, isolated = (sorted(1000 * pair[side] for pair in pairs) for side in (0, 1))
            medians = statistics.median(plain), statistics.median(isolated)
            more = statistics.median(1000 * (two - one) for one, two in pairs)
            cells = [f"{number:.0f}" for number in (*medians, more, isolated[0] - plain[0])]
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    TRAINED, ASKED = read_log(LOG), read_log(NEW)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
