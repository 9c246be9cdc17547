"""Every detector on every labelled log of a directory, fitted and scored on the same log without its labels.

    OMP_NUM_THREADS=1 python benchmarks/anomaly.py DIRECTORY [--pyod PYTHON] > benchmarks/results/anomaly.txt
    OMP_NUM_THREADS=1 python benchmarks/anomaly.py DIRECTORY --shares > benchmarks/results/anomaly-share.txt

DIRECTORY holds pairs `NAME.csv.gz` and `NAME.labels.csv` (case_id, is_anomaly, anomaly, detail), as the
public benchmarks of Nolle and of Guan give them, and `receipt_nine_rates/`, `hdfs_sequences_labelled.csv` and
`pdc2019/`. Labels serve to score and for nothing else. No detector sees a time: in these logs an inserted
event has none and a moved one an old one. What is measured is what a user gets: a model is trained, saved and
loaded, and `Model.predict` gives scores and flags of cases and of events; scores of single values, which it
does not give, are those of the loaded model. Each run is a process of its own, which tells its CPU seconds
and peak memory, those of its children included. PYTHON is an interpreter that has pyod
(requirements-anomaly.txt); it gets the same case profiles as ours. `--only` and `--logs` take a part of the
detectors and logs. `--keep FILE` remembers runs, so that one that was broken off goes on where it was; delete
it when the code has changed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pandas as pd

from pmlcli import Model, PredictRequest, registry
from pmlcli.algorithms.anomaly._values import EventDetector, EventJudgement
from pmlcli.encoding.profile.extractor import FeatureConfig, FeatureExtractor
from pmlcli.errors import PmlError
from pmlcli.evaluation.metrics import auc, average_precision
from pmlcli.eventlog import EventLog, read_log

MAIN = ("Receipt-0.1-1", "Sepsis-0.1-1", "p2p-0.10-1", "medium-0.10-2", "bpic13-0.1-1")
SHORT = {"Receipt-0.1-1": "Receipt", "Sepsis-0.1-1": "Sepsis", "p2p-0.10-1": "p2p", "medium-0.10-2": "medium"}
SHORT["bpic13-0.1-1"] = "bpic13"
TIMES = ("order_time", "time:timestamp", "event_index")
KINDS = ("SkipSequence", "Rework", "Early", "Late", "Attribute", "Replace", "Insert")
PUBLISHED = """
Published, mean over nine shares of anomalies (5 to 45 %), so a 10 % log is harder than the mean:
case level, AP            Receipt  Sepsis     p2p  medium
  GAMA                       .775    .552    .978    .935
  WAKE (sees some labels)       -       -    .982    .967
  Likelihood graph              -    .615    .975    .905
  Naive (variants)           .602    .281    .887    .871
attribute level, AP       Receipt  Sepsis     p2p  medium
  GAMA                       .555    .363    .689    .682
  WAKE (sees some labels)    .543    .445    .608    .602
  Likelihood graph           .183    .332    .559    .511
Guan et al., BPAD benchmark (2025): github.com/guanwei49/BPAD."""
PYOD = ("IForest", "HBOS", "AutoEncoder")
PYOD_SCRIPT = """
import sys, json, time, resource, importlib, numpy as np
name, source, target = sys.argv[1:]
cls = getattr(importlib.import_module({"IForest": "pyod.models.iforest", "HBOS": "pyod.models.hbos",
    "AutoEncoder": "pyod.models.auto_encoder"}[name]), name)
matrix = np.load(source)
begin = time.process_time()
detector = cls(contamination=0.05).fit(matrix)
fit = time.process_time() - begin
np.save(target, np.column_stack([detector.decision_function(matrix), detector.labels_]))
print(json.dumps({"fit": fit, "score": time.process_time() - begin - fit,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


# --- logs


def stem_of(path: Path) -> str:
    """The log's own name: `Receipt-0.1-1` of `wake_10pct__Receipt-0.1-1.labels.csv`."""
    return path.name.removesuffix(".labels.csv").rpartition("__")[2]


def labelled(directory: Path) -> dict[str, Path]:
    """Path of each log's labels by its name."""
    return {stem_of(path): path for path in sorted(directory.glob("*.labels.csv"))}


def read_pair(labels: Path) -> tuple[EventLog, pd.DataFrame]:
    """A log without its times, and the labels in its order of cases."""
    frame = pd.read_csv(str(labels).replace(".labels.csv", ".csv.gz"), keep_default_na=False, na_values=[""])
    log = read_log(frame.drop(columns=[name for name in TIMES if name in frame]))
    table = pd.read_csv(labels, keep_default_na=False).set_index("case_id").loc[list(log.case_ids)]
    return log, table


def true_values(log: EventLog, labels: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, int]:
    """(events, columns), which values were tampered with, as is usual to count, and labels past a case's end.

    A skip is told at the event after the gap, a shift at the gap and at what was moved.
    """
    marks, beyond = np.zeros((log.n_events, len(columns)), dtype=bool), 0
    for case, (kind, detail) in enumerate(zip(labels["anomaly"], labels["detail"], strict=True)):
        told = json.loads(detail) if detail else {}
        for event, column in _cells(kind, told, columns):
            if event < log.lengths[case]:
                marks[log.offsets[case] + event, column] = True
            else:
                beyond += 1
    return marks, beyond


def _cells(kind: str, told: dict[str, Any], columns: list[str]) -> list[tuple[int, int]]:
    if kind == "SkipSequence":
        return [(told["start"], 0)]
    if kind == "Rework":
        return [(told["start"] + i, 0) for i in range(told["size"])]
    if kind in ("Early", "Late"):
        return [(told["shift_from"], 0), *((told["shift_to"] + i, 0) for i in range(told["size"]))]
    if kind in ("Insert", "Replace"):
        return [(event, column) for event in told["indices"] for column in range(len(columns))]
    if kind == "Attribute":
        pairs = zip(told["index"], told["attribute"], strict=True)
        return [(event, columns.index(name)) for event, name in pairs if name in columns]
    return []


# --- one run, in a process of its own


def run_one(detector: str, task: str, directory: Path) -> dict[str, Any]:
    """Trains and scores one detector on one task; the figures as JSON-plain values."""
    registry.find(f"anomaly/{detector}")
    model = Model(f"anomaly/{detector}")
    kind, _, name = task.partition(":")
    train, test, truth, labels = _task(kind, name, directory)
    if kind == "same":
        test = train
    try:
        fit = model.train(train).metadata["cpu_seconds"]
    except PmlError as error:
        return {"error": error.message}
    with tempfile.TemporaryDirectory() as place:
        saved = model.save(Path(place) / "model", check=False).path
        loaded, trusted = Model.load(saved), Model.load(saved, trusted=True)
    begin = _cpu_seconds()
    table = loaded.predict(test).predictions
    found = figures(truth, table["score"].to_numpy(), table["is_anomaly"].to_numpy(), labels)
    found |= {"fit": fit, "score": _cpu_seconds() - begin, "megabytes": _peak_megabytes()}
    found |= shares(trusted, truth, table["is_anomaly"].to_numpy())
    if kind == "same" and labels is not None and isinstance(model.algorithm, EventDetector):
        events = loaded.predict(test, request=PredictRequest(level="event")).predictions
        found |= value_figures(trusted, test, labels, events["score"].to_numpy())
    return found


def shares(loaded: Model, truth: np.ndarray, flagged: np.ndarray) -> dict[str, float]:
    """The true share of anomalies, the share that is flagged, and the interval that training gave."""
    said = loaded.trained_state.fitted.calibration.get("standing_out", {}).get("case", {})
    told = {"low": said["low"], "high": said["high"]} if said else {}
    return {"true_share": float(truth.mean()), "flagged_share": float(flagged.mean())} | told


def _cpu_seconds() -> float:
    """Of this process and of the children it has waited for: a loaded model answers in one."""
    return sum(u.ru_utime + u.ru_stime for u in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def _peak_megabytes() -> float:
    """Of this process or of the largest of its children."""
    return max(u.ru_maxrss for u in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))) / 1024


def _task(
    kind: str, name: str, directory: Path
) -> tuple[EventLog, EventLog, np.ndarray, pd.DataFrame | None]:
    if kind == "hdfs":
        return _hdfs(directory / "hdfs_sequences_labelled.csv")
    if kind == "pdc":
        return _pdc(directory / "pdc2019", name)
    log, labels = read_pair((labelled(directory) | labelled(directory / "receipt_nine_rates"))[name])
    truth = labels["is_anomaly"].to_numpy() == 1
    if kind == "same":
        return log, log, truth, labels
    half = log.n_cases // 2
    first = np.arange(half)
    train = log.take_cases(first[~truth[:half]] if kind == "clean" else first)
    later = np.arange(half, log.n_cases)
    return train, log.take_cases(later), truth[later], labels.iloc[half:]


def _hdfs(path: Path) -> tuple[EventLog, EventLog, np.ndarray, None]:
    """Trained on the first half of the normal sequences, scored on all others."""
    table = pd.read_csv(path)
    normal = np.flatnonzero(table["label"] == 0)
    train = normal[: len(normal) // 2]
    test = np.setdiff1d(np.arange(len(table)), train)

    def log_of(rows: np.ndarray) -> EventLog:
        parts = [str(text).split() for text in table["Sequence"].iloc[rows]]
        return read_log(
            pd.DataFrame(
                {
                    "case_id": np.repeat(rows, [len(part) for part in parts]).astype(str),
                    "activity": np.concatenate(parts),
                }
            )
        )

    return log_of(train), log_of(test), table["label"].to_numpy()[test] == 1, None


def _pdc(folder: Path, number: str) -> tuple[EventLog, EventLog, np.ndarray, None]:
    test = read_log(folder / f"test_{number}.xes")
    truth = read_log(folder / f"ground_truth_{number}.xes")
    flags = truth.frame["case:pdc:isPos"].to_numpy()[truth.offsets[:-1]]
    fits = dict(zip(truth.case_ids, flags, strict=True))
    return (
        read_log(folder / f"train_{number}.xes"),
        test,
        np.array([str(fits[case]).lower() != "true" for case in test.case_ids]),
        None,
    )


def figures(
    truth: np.ndarray, scores: np.ndarray, flagged: np.ndarray, labels: pd.DataFrame | None
) -> dict[str, Any]:
    """Average precision, AUC over all and by kind, F1 of the flags and of the best threshold."""
    found: dict[str, Any] = {"ap": average_precision(truth, scores), "auc": auc(truth, scores)}
    found["f1"] = f1(truth, flagged)
    found["best"] = best_f1(truth, scores)
    if labels is not None:
        kinds = labels["anomaly"].to_numpy()
        for kind in KINDS:
            rows = ~truth | (kinds == kind)
            found[kind] = auc(truth[rows], scores[rows]) if (kinds == kind).any() else None
        found["other"] = average_precision(truth[kinds != "Insert"], scores[kinds != "Insert"])
    return found


def value_figures(
    loaded: Model, log: EventLog, labels: pd.DataFrame, event_scores: np.ndarray
) -> dict[str, Any]:
    """Average precision over all values and over all events, (events,) scored."""
    fitted = loaded.trained_state.fitted
    algorithm = fitted.algorithm
    assert isinstance(algorithm, EventDetector)  # alone has a level of events
    judged = algorithm.judge(fitted.encoding.transform(log))
    columns = [log.schema.columns.get(name, name) for name in attributes_of(judged)]
    marks, beyond = true_values(log, labels, columns)
    lowest = np.full(beyond, -np.inf)
    values, events = marks.reshape(-1), marks.any(axis=1)
    missed = np.ones(beyond, dtype=bool)
    return {
        "value_ap": average_precision(
            np.append(values, missed), np.append(judged.values.reshape(-1), lowest)
        ),
        "event_ap": average_precision(np.append(events, missed), np.append(event_scores, lowest)),
    }


def attributes_of(judged: EventJudgement) -> list[str]:
    """What each column of the scores of values is about: as the first event's reasons name it."""
    columns = np.arange(judged.values.shape[1])
    return [one.attribute for one in judged.explain(np.zeros_like(columns), columns)]


def f1(truth: np.ndarray, flagged: np.ndarray) -> float:
    """Harmonic mean of precision and recall of the flags."""
    return float(2 * (truth & flagged).sum() / max(truth.sum() + flagged.sum(), 1))


def best_f1(truth: np.ndarray, scores: np.ndarray) -> float:
    """F1 of the threshold that the labels like best: an upper bound, as the literature quotes it."""
    order = np.argsort(-scores, kind="stable")
    hits, last = np.cumsum(truth[order]), np.append(scores[order][1:] != scores[order][:-1], True)
    return float((2 * hits / (np.arange(1, len(hits) + 1) + truth.sum()))[last].max())


# --- the tables


KEPT: dict[str, dict[str, Any]] = {}
"""Figures of runs already made, by detector and task, and the file that `--keep` names for them."""
KEPT_FILE: list[Path] = []


def isolated(detector: str, task: str, directory: Path) -> dict[str, Any]:
    """`run_one` in a fresh process, unless its figures are kept."""
    key = f"{detector} {task}"
    if key not in KEPT:
        KEPT[key] = _isolated(detector, task, directory)
        for path in KEPT_FILE:
            path.write_text(json.dumps(KEPT, indent=1))
    return KEPT[key]


def _isolated(detector: str, task: str, directory: Path) -> dict[str, Any]:
    command = [sys.executable, "-P", __file__, str(directory), "--one", detector, task]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1]}
    return dict(json.loads(done.stdout))


def run_pyod(python: str, name: str, labels: Path) -> dict[str, Any]:
    """One of PyOD's detectors, with its defaults, on our case profiles."""
    log, table = read_pair(labels)
    matrix = FeatureExtractor(FeatureConfig(use_normalization=True)).fit(log).transform(log).matrix
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npy", Path(folder) / "out.npy"
        np.save(source, matrix)
        command = [python, "-c", PYOD_SCRIPT, name, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1]}
        result = np.load(target)
    truth = table["is_anomaly"].to_numpy() == 1
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return {**figures(truth, result[:, 0], result[:, 1] == 1, table), **told}


def pyod(python: str, name: str, labels: Path) -> dict[str, Any]:
    """`run_pyod`, unless its figures are kept."""
    key = f"PyOD {name} {stem_of(labels)}"
    if key not in KEPT:
        KEPT[key] = run_pyod(python, name, labels)
        for path in KEPT_FILE:
            path.write_text(json.dumps(KEPT, indent=1))
    return KEPT[key]


def cell(value: Any, width: int = 7, form: str = ".3f") -> str:
    """A figure, or a dash where there is none."""
    return f"{'-' if value is None or value != value else format(value, form):>{width}}"


def table(title: str, rows: dict[str, list[Any]], heads: list[str], form: str = ".3f") -> None:
    """One table: a row a detector."""
    print(f"\n{title}\n{'':24}" + "".join(f"{head:>9}" for head in heads))
    for name, values in rows.items():
        print(f"{name:24}" + "".join(cell(value, 9, form) for value in values))


def report(results: dict[tuple[str, str], dict[str, Any]], names: list[str], tasks: list[str]) -> None:
    """All tables over the logs that were fitted and scored alike."""
    heads = [SHORT.get(task, task)[:8] for task in tasks]

    def by(key: str) -> dict[str, list[Any]]:
        return {name: [results[name, task].get(key) for task in tasks] for name in names}

    table("Case level, average precision", by("ap"), heads)
    table("... without the Insert cases, whose invented names give them away", by("other"), heads)
    with_values = {name: row for name, row in by("value_ap").items() if any(v is not None for v in row)}
    table("Level of single values, average precision", with_values, heads)
    with_events = {name: row for name, row in by("event_ap").items() if any(v is not None for v in row)}
    table("Event level, average precision", with_events, heads)
    table("F1 at the threshold of the default contamination (auto; the logs hold about 0.1)", by("f1"), heads)
    table("Best F1 over all thresholds, chosen with the labels: an upper bound", by("best"), heads)
    for task, head in zip(tasks, heads, strict=True):
        rows = {name: [results[name, task].get(kind) for kind in KINDS] for name in names}
        table(f"AUC by kind of anomaly: {head}", rows, [kind[:8] for kind in KINDS])
    table("CPU seconds of training (trial, comparison with the baseline and all)", by("fit"), heads, ".1f")
    table("CPU seconds of scoring (reasons included)", by("score"), heads, ".1f")
    table("Peak memory, MB (Python and its libraries included)", by("megabytes"), heads, ".0f")


def note_errors(results: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Why a dash is a dash."""
    reasons: dict[str, list[str]] = {}
    for (name, task), found in results.items():
        if "error" in found:
            reasons.setdefault(f"{name}: {found['error']}", []).append(SHORT.get(task, task))
    for reason, where in sorted(reasons.items()):
        print(f"  {reason} ({', '.join(where)})")


SHARES: tuple[str, ...] = ("likelihood", "ensemble", "isolation-forest", "variant-frequency")


def with_mean(row: list[Any]) -> list[Any]:
    """The figures and their mean, which is none where a figure is missing."""
    return [*row, None if None in row else sum(row) / len(row)]


def others(directory: Path, names: list[str]) -> None:
    """The nine rates of Receipt, transfer to a later log, HDFS and the discovery contest."""
    rates = sorted(labelled(directory / "receipt_nine_rates"))
    some = [name for name in SHARES if name in names]
    if rates:
        found = {(n, r): isolated(n, f"same:{r}", directory) for n in some for r in rates}
        heads = [rate.split("-")[1] for rate in rates] + ["mean"]
        for key, title in (("ap", "case level"), ("value_ap", "level of values")):
            rows = {n: with_mean([found[n, r].get(key) for r in rates]) for n in some}
            table(f"Receipt at nine shares of anomalies, {title}, average precision", rows, heads)
    rows = {
        name: [
            isolated(name, f"{kind}:{log}", directory).get("ap")
            for log in MAIN[2:4]
            for kind in ("clean", "dirty")
        ]
        for name in some
    }
    heads = [f"{SHORT[log][:3]} {kind}" for log in MAIN[2:4] for kind in ("clean", "dirty")]
    title = "Trained on the first half (its normal cases, or all), scored on the second, average precision"
    table(title, rows, heads)
    sequence = [name for name in names if name not in ("resource",)]
    for task, title in (
        ("hdfs:", "HDFS sequences, trained on the first half of the normal ones"),
        ("pdc:4", "Process discovery contest 2019, log 4"),
        ("pdc:6", "Process discovery contest 2019, log 6"),
    ):
        found2 = {name: isolated(name, task, directory) for name in sequence}
        keys = ["ap", "auc", "f1", "best", "fit", "score"]
        table(title, {n: [f.get(k) for k in keys] for n, f in found2.items()}, keys)


SHARES = ("likelihood", "ensemble", "isolation-forest", "variant-frequency")


def command() -> str:
    """What was typed, without the directory's place and without what was kept."""
    said = [word for word in sys.argv[2:] if word != "--keep" and Path(word) not in KEPT_FILE]
    return " ".join(["python benchmarks/anomaly.py DIRECTORY", *said])


def report_shares(directory: Path, names: Sequence[str], logs: Sequence[str]) -> None:
    """The threshold of `contamination = auto` on labelled logs, beside the best there is."""
    print(
        "Thresholds that detectors find by themselves (contamination = auto), fitted and scored on one log."
    )
    print(f"Command: {command()}")
    heads = ["F1", "best F1", "lost", "true", "flagged", "low", "high"]
    for name in names:
        found = {log: isolated(name, f"same:{log}", directory) for log in logs}
        rows = {log: _share_row(one) for log, one in found.items()}
        table(f"{name}: F1 at its own threshold and at the best, share of anomalies", rows, heads)
        lost = [row[2] for row in rows.values() if row[2] is not None]
        close = sum(one <= 0.1 for one in lost)
        print(f"lost at most .1 on {close} of {len(lost)} logs, mean {np.mean(lost):.3f}")


def _share_row(one: dict[str, Any]) -> list[Any]:
    keys = ("true_share", "flagged_share", "low", "high")
    lost = one["best"] - one["f1"] if "best" in one else None
    return [one.get("f1"), one.get("best"), lost, *map(one.get, keys)]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Detectors on labelled logs.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--pyod", default=None, help="a Python that has pyod")
    parser.add_argument("--only", default=None, help="these detectors, separated by commas")
    parser.add_argument(
        "--logs", default=None, help="these logs alone, separated by commas, or `main`: the five"
    )
    parser.add_argument("--keep", type=Path, default=None, help="a file for figures of runs already made")
    parser.add_argument("--shares", action="store_true", help="thresholds and shares of anomalies alone")
    parser.add_argument("--one", nargs=2, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(every: Sequence[str], named: str | None) -> list[str]:
    """Those of `every` that are named, all without names; `main` names the five logs."""
    names = (named or "").replace("main", ",".join(MAIN)).split(",")
    return [name for name in dict.fromkeys(every) if named is None or name in names]


def main() -> None:
    """Prints the tables."""
    given = arguments()
    if given.one:
        with contextlib.redirect_stderr(io.StringIO()):
            found = run_one(given.one[0], given.one[1], given.directory)
        print(json.dumps(found))
        return
    if given.keep:
        KEPT_FILE.append(given.keep)
        KEPT.update(json.loads(given.keep.read_text()) if given.keep.exists() else {})
    tasks = [name for name in MAIN if name in labelled(given.directory)]
    names = chosen([name.partition("/")[2] for name in registry.names("anomaly")], given.only)
    if given.shares:
        rates = sorted(labelled(given.directory / "receipt_nine_rates"))
        some = names if given.only else SHARES
        report_shares(given.directory, some, chosen([*tasks, *rates], given.logs))
        return
    report_all(given, names, chosen(tasks, given.logs))


def report_all(given: argparse.Namespace, names: list[str], tasks: list[str]) -> None:
    """Every table; where logs were named, those of these logs."""
    print(f"Detectors on labelled logs. Command: {command()}")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores (shared), one thread. Every detector has its defaults."
    )
    results = {
        (name, task): isolated(name, f"same:{task}", given.directory) for name in names for task in tasks
    }
    peers = [f"PyOD {name}" for name in PYOD] if given.pyod else []
    logs = labelled(given.directory)
    for name in peers:
        results |= {(name, task): pyod(given.pyod, name.removeprefix("PyOD "), logs[task]) for task in tasks}
    report(results, names + peers, tasks)
    print(PUBLISHED)
    print("\nA dash: not at this level, no such anomalies, or no run:")
    note_errors(results)
    if given.logs is None:
        others(given.directory, names)


if __name__ == "__main__":
    main()
