"""What reading a model costs: our loader beside joblib's, `verify` by size, a seasonal ARIMA model, and the
opening in a fresh process before a model is saved.

python benchmarks/loading.py [runs]   (result: benchmarks/results/loading.txt)

Each row is measured in turn with the one that it is compared with, in one process; wall clock and processor
time are the quickest of the runs, which a busy machine disturbs least.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from pmlcli import Model
from pmlcli.lifecycle import opening
from pmlcli.store.artifacts import ArtifactStore, seal
from pmlcli.store.codecs import npy
from pmlcli.store.codecs import sklearn as estimators
from pmlcli.store.schema import SCHEMA_VERSION
from pmlcli.store.verification import verify

MEGABYTE = 1 << 20
Times = tuple[float, float]


def used() -> float:
    """Processor seconds of this process and its children so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(work: Callable[[], Any]) -> Times:
    """Milliseconds of wall clock and of processor time."""
    wall, cpu = time.perf_counter(), used()
    work()
    return 1000 * (time.perf_counter() - wall), 1000 * (used() - cpu)


def quickest(runs: int, *works: Callable[[], Any]) -> list[Times]:
    """Of each, measured in turn, the quickest wall clock and processor time."""
    rounds = [[timed(work) for work in works] for _ in range(runs)]
    return [
        (min(times[i][0] for times in rounds), min(times[i][1] for times in rounds))
        for i in range(len(works))
    ]


def loaders(runs: int) -> None:
    """joblib.load beside our loader with its checks."""
    points = np.random.default_rng(0).normal(size=(4000, 20))
    classes = points[:, 0] > 0
    fitted = {
        "IsolationForest, 100 trees": IsolationForest(random_state=0).fit(points),
        "RandomForest, 100 trees": RandomForestClassifier(random_state=0).fit(points, classes),
        "LocalOutlierFactor": LocalOutlierFactor(novelty=True).fit(points),
        "OneClassSVM": OneClassSVM(nu=0.1).fit(points),
    }
    print("| estimator | MB | joblib.load (wall / CPU ms) | our loader (wall / CPU ms) | CPU ratio |")
    print("|---|---|---|---|---|")
    for name, estimator in fitted.items():
        data, allowed = estimators.encode(estimator), estimators.globals_of(estimator)
        expected = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
        theirs, ours = quickest(
            runs,
            lambda data=data: joblib.load(io.BytesIO(data)),
            lambda data=data, allowed=allowed, expected=expected: estimators.decode(data, allowed, expected),
        )
        cells = [f"{len(data) / MEGABYTE:.2f}", *(f"{wall:.1f} / {cpu:.1f}" for wall, cpu in (theirs, ours))]
        print(f"| {name} | {' | '.join(cells)} | {ours[1] / theirs[1]:.2f} |", flush=True)


def verification(place: Path, runs: int) -> None:
    """`verify` up to `environment`: megabytes a second of a large model, and a small one as a process."""
    body = np.zeros(400 * MEGABYTE, dtype=np.uint8)
    save(place / "large", {"model.json": b"{}", "model-a.npy": npy.encode(body)})
    save(place / "small", {"model.json": b"{}"})
    ((wall, cpu),) = quickest(runs, lambda: verify(place / "large"))
    print(f"\nverify of 400 MB: {wall:.0f} ms wall, {cpu:.0f} ms CPU: {400_000 / wall:.0f} MB/s wall", end="")
    print(f", {400_000 / cpu:.0f} MB/s CPU")
    command = [sys.executable, "-m", "pmlcli", "verify", str(place / "small"), "--level", "environment", "-q"]
    nothing = [sys.executable, "-c", "pass"]
    (process, python) = quickest(
        runs, lambda: subprocess.run(command, check=True), lambda: subprocess.run(nothing, check=True)
    )
    print(
        f"pmlcli verify --level environment, a process: {process[0]:.0f} ms wall, {process[1]:.0f} ms CPU",
        end="",
    )
    print(f" (python alone: {python[0]:.0f} and {python[1]:.0f})", flush=True)


def save(path: Path, files: dict[str, bytes]) -> None:
    """A model directory of these artifacts."""
    texts = {"model_id": "m", "model_type": "anomaly/dbscan", "version": "1", "status": "trained"}
    times = dict.fromkeys(("created_at", "trained_at"), "2024-01-02T03:04:05Z")
    mappings = {
        name: {}
        for name in (
            "hyperparameters", "performance_metrics", "input_schema", "training_log", "dependencies",
            "determinism",
        )
    }  # fmt: skip
    fields = {"schema_version": SCHEMA_VERSION, "training_samples": 1, "seed": 0, "platform": {}}
    ArtifactStore().save(path, {**texts, **times, **mappings, **fields}, files)


OPENED: dict[str, dict[str, Any]] = {
    "anomaly/variant-frequency": {},
    "anomaly/isolation-forest": {},
    "next-activity/ngram": {},
    "next-activity/gru": {"max_epochs": 1},
    "next-activity/xgboost": {"n_estimators": 10},
    "forecast/seasonal-naive": {},
    "forecast/arima": {},
}


def opening_before_saving(runs: int) -> None:
    """The opening that `train` and `Model.save` do: start of Python, imports, restoring and the canary."""
    print("\n| opened in a fresh process before it is saved | wall ms | CPU ms |\n|---|---|---|")
    for name, parameters in OPENED.items():
        model = Model(name, **parameters)
        model.train(daily_events(2))
        manifest = seal(model.manifest_fields, model.files)
        work = partial(opening.require_answers, manifest, model.files)
        ((wall, cpu),) = quickest(runs, work)
        print(f"| {name} | {wall:.0f} | {cpu:.0f} |", flush=True)


def daily_events(steps: int) -> list[dict[str, Any]]:
    """400 days of cases of so many events, fewer at weekends."""
    return [
        {
            "case_id": f"{day:%Y%m%d}-{n}",
            "activity": "ab"[step],
            "timestamp": day + pd.Timedelta(minutes=37 * n),
        }
        for day in pd.date_range("2024-01-01", periods=400, tz="UTC")
        for n in range(3 if day.weekday() >= 5 else 9)
        for step in range(steps)
    ]


def seasonal_arima(place: Path, runs: int) -> None:
    """Bytes of a seasonal ARIMA model, and milliseconds until it was loaded and has forecast."""
    model = Model("forecast/arima")
    model.train(daily_events(1))
    saved = model.save(place / "arima", check=False).path
    learner = sum(f.stat().st_size for f in (saved / "artifacts").glob("model*"))
    whole = sum(f.stat().st_size for f in saved.rglob("*") if f.is_file())
    print(
        f"\nseasonal ARIMA over 400 days: learner {learner:,} bytes, whole directory {whole:,} bytes; ",
        end="",
    )

    def asked(*, trusted: bool) -> None:
        Model.load(saved, trusted=trusted).predict()

    works = [partial(asked, trusted=True), partial(asked, trusted=False)]
    for work in works:
        work()
    (wall, cpu), (wall_of_child, cpu_of_child) = quickest(runs, *works)
    print(f"loaded as trusted and asked in {wall:.0f} ms wall, {cpu:.0f} ms CPU; ", end="")
    print(f"in a child {wall_of_child:.0f} ms wall, {cpu_of_child:.0f} ms CPU")


def main(runs: int) -> None:
    """Prints all four."""
    loaders(runs)
    with tempfile.TemporaryDirectory() as place:
        verification(Path(place), runs)
        seasonal_arima(Path(place), runs)
    opening_before_saving(runs)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
