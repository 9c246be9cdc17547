"""The rule of `contamination = auto` on simulated logs with a known share of anomalies.

    OMP_NUM_THREADS=1 python benchmarks/anomaly_share.py [--only NAMES] [--processes N] [--cases N]

A row a detector, a column a share: F1 of the flags, the best F1 of any threshold, and the share that is
flagged, each a mean over the processes of `_anomalous.py`, by models that were saved and loaded. On these
logs the rule was chosen.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from _anomalous import RATES, anomalous
from anomaly import best_f1, f1

from pmlcli import Model, PredictRequest

NAMES = (
    "likelihood",
    "variant-frequency",
    "isolation-forest",
    "local-outlier-factor",
    "histogram",
    "ensemble",
)


def run(name: str, process: int, rate: float, cases: int) -> tuple[float, float, float]:
    """F1 of the flags, the best F1, and the share that is flagged."""
    log, truth = anomalous(process, rate, 100 * process + int(100 * rate), cases)
    model = Model(f"anomaly/{name}", cuts=1)  # more of them only measure it, and take longer
    model.train(log)
    with tempfile.TemporaryDirectory() as place:
        loaded = Model.load(model.save(Path(place) / "model", check=False).path, trusted=True)
    table = loaded.predict(log, request=PredictRequest(cases="all")).predictions
    scores, flagged = table["score"].to_numpy(), table["is_anomaly"].to_numpy()
    return f1(truth, flagged), best_f1(truth, scores), float(flagged.mean())


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Thresholds on simulated logs.")
    parser.add_argument("--only", default=",".join(NAMES), help="these detectors, separated by commas")
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--cases", type=int, default=600)
    given = parser.parse_args()
    print(f"Simulated logs: {given.processes} processes, {given.cases} cases. F1 / best F1 / share flagged")
    print(f"{'':22}" + "".join(f"{rate:>20.0%}" for rate in RATES))
    for name in given.only.split(","):
        row = []
        for rate in RATES:
            found = [run(name, process, rate, given.cases) for process in range(given.processes)]
            own, best, share = np.mean(found, axis=0)
            row.append(f"{own:.2f} / {best:.2f} / {share:.3f}" if rate else f"- / - / {share:.3f}")
        print(f"{name:22}" + "".join(f"{cell:>20}" for cell in row), flush=True)


if __name__ == "__main__":
    main()
