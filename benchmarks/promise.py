"""Does a verdict keep its promise? What `train` prints beside what is seen later.

    OMP_NUM_THREADS=1 python benchmarks/promise.py [-a ALGORITHM,...] [--kinds KIND,...]
        [--seeds 0:4] [--cases 1500] [--logs LOG ...] [--rows FILE]
    OMP_NUM_THREADS=1 python benchmarks/promise.py --cost LOG -a ALGORITHM,...

Each log is known up to a moment: when the first of its last fifth of cases begins (--validation: of the last
fifth of the cases before that). `Model.train` gets what had happened by then, open cases and all. The model,
and one of the task's baseline, are saved, loaded, and asked by `predict` about the cases that began
afterwards; their truth is that of the whole log. `held`: the interval of the difference that training printed
holds the difference seen then (target 90 %); `unclear`: no verdict is given (target at most 20 % of logs of
1,000 cases and more); `better kept`: of the verdicts `better` so many were better afterwards.

Simulated processes (`_tasks/_simulated.py`) are stable, change gradually, or at one moment before training
ends, or only afterwards (`after`), which nobody can foresee: that row is no part of the totals.

With --rows each row is written to a file, and one that is there is not measured again. --cost instead trains
each algorithm on the whole log with one cut and with three, and prints the processor time of both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from _result import tell
from _tasks._parts import DAY, activity_names, read
from _tasks._simulated import KINDS, simulated
from _tasks.next_activity import next_activities
from _tasks.suffix import similarities
from sklearn.metrics import roc_auc_score

from pmlcli import Model, PredictRequest
from pmlcli.encoding.series.encoding import SeriesEncoding
from pmlcli.errors import PmlError
from pmlcli.eventlog import EventLog
from pmlcli.eventlog.deviations import deviate
from pmlcli.eventlog.log import offsets_of
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.split import split_by_start

ALGORITHMS = {
    "next-activity/linear": "next-activity/ngram",
    "remaining-time/transition-system": "remaining-time/median",
    "remaining-time/boosting": "remaining-time/median",
    "outcome/logistic": "outcome/prior",
    "forecast/theta": "forecast/seasonal-naive",
    "forecast/weekday-median": "forecast/seasonal-naive",
    "next-activity/ensemble": "next-activity/ngram",
    "remaining-time/ensemble": "remaining-time/median",
    "outcome/ensemble": "outcome/prior",
    "outcome/boosting": "outcome/prior",
    "suffix/ensemble": "suffix/medoid",
    "suffix/gru": "suffix/medoid",
    "anomaly/likelihood": "anomaly/variant-frequency",
    "anomaly/isolation-forest": "anomaly/variant-frequency",
    "anomaly/ensemble": "anomaly/variant-frequency",
}
HORIZON = 14
ENOUGH = 1000


@dataclass(frozen=True)
class Row:
    """One algorithm on one log: what was printed, and the difference seen afterwards."""

    kind: str
    log: str
    name: str
    n_cases: int
    verdict: str
    higher: bool
    difference: float
    lower: float | None
    upper: float | None
    seen: float
    cuts: list[dict[str, Any]]
    because: list[str]

    @property
    def is_held(self) -> bool:
        """Whether the printed interval holds what was seen."""
        return self.lower is not None and self.upper is not None and self.lower <= self.seen <= self.upper


def known_before(log: EventLog) -> tuple[EventLog, EventLog]:
    """What had happened when the first of the last fifth of the cases began, and these cases."""
    later = split_by_start(log).test
    moment = int(later.starts.min())
    assert log.times is not None
    is_known = (log.times < moment) & (log.starts < moment)[log.case_of_event]
    lengths = np.bincount(log.case_of_event[is_known], minlength=log.n_cases)
    return log.take_rows(np.flatnonzero(is_known), offsets_of(lengths[lengths > 0])), later


def loaded(name: str, known: EventLog, parameters: dict[str, Any]) -> tuple[Model, dict[str, Any]]:
    """Trained, saved and loaded, and what training printed."""
    model = Model(name, **parameters)
    (printed,) = model.train(known).metrics.values()
    with TemporaryDirectory() as place:
        path = model.save(Path(place) / "model", check=False).path
        return Model.load(path, trusted=True), printed


def predictive(task: str) -> Callable[[Model, EventLog, EventLog, dict[str, Any]], float]:
    """How good a model is on the cases that came later, by the table that `predict` gives."""

    def value(model: Model, whole: EventLog, later: EventLog, parameters: dict[str, Any]) -> float:
        request = PredictRequest(cases="all", every_prefix=True)
        table = model.predict(later, request=request).predictions
        has_ended = np.isin(later.case_ids, whole.case_ids[~find_running(whole)])[later.case_of_event]
        return VALUES[task](table, later, has_ended, parameters)

    return value


def accuracy(table: pd.DataFrame, later: EventLog, has_ended: Any, parameters: dict[str, Any]) -> float:
    """Share of right next activities; what follows the last event of a running case is not known."""
    truth = next_activities(later)
    is_last = later.position + 1 == later.lengths[later.case_of_event]
    counted = has_ended | ~is_last
    return float((table["next_activity"].to_numpy() == truth)[counted].mean())


def mae_days(table: pd.DataFrame, later: EventLog, has_ended: Any, parameters: dict[str, Any]) -> float:
    """Mean absolute error of prefixes of two events or more but the whole case, of ended cases."""
    assert later.times is not None
    left = (later.ends[later.case_of_event] - later.times) / 1e6
    is_last = later.position + 1 == later.lengths[later.case_of_event]
    counted = has_ended & (later.position > 0) & ~is_last
    return float(np.abs(table["remaining_seconds"].to_numpy() - left)[counted].mean() / DAY)


def area(table: pd.DataFrame, later: EventLog, has_ended: Any, parameters: dict[str, Any]) -> float:
    """AUC of whether the activity will come, over prefixes of ended cases before it did."""
    occurs = activity_names(later) == parameters["outcome_activity"]
    will = np.logical_or.reduceat(occurs, later.offsets[:-1])[later.case_of_event]
    before = np.cumsum(occurs) - np.repeat((np.cumsum(occurs) - occurs)[later.offsets[:-1]], later.lengths)
    is_last = later.position + 1 == later.lengths[later.case_of_event]
    counted = (has_ended | will) & (before == 0) & ~(is_last & has_ended)
    return float(roc_auc_score(will[counted], table["positive_probability"].to_numpy()[counted]))


def similarity(table: pd.DataFrame, later: EventLog, has_ended: Any, parameters: dict[str, Any]) -> float:
    """How like the suffixes of ended cases are to what came, each case counting alike."""
    rows = np.flatnonzero(has_ended)
    alike = similarities(later, table["suffix"].iloc[rows].to_list(), rows)
    cases = later.case_of_event[rows]
    return float(pd.Series(alike).groupby(cases).mean().mean())


def told_apart(model: Model, whole: EventLog, later: EventLog, parameters: dict[str, Any]) -> float:
    """AUC of one injected deviation a case, drawn eight times by other seeds than training's."""
    before = model.predict(later).predictions["score"].to_numpy()
    seeds = range(100, 108)
    after = [model.predict(deviate(later, seed).log).predictions["score"].to_numpy() for seed in seeds]
    is_deviant = np.repeat([False, True], [len(before), len(seeds) * len(before)])
    return float(roc_auc_score(is_deviant, np.concatenate([before, *after])))


VALUES = {"next-activity": accuracy, "remaining-time": mae_days, "outcome": area, "suffix": similarity}


def forecast_error(model: Model, whole: EventLog, later: EventLog, parameters: dict[str, Any]) -> float:
    """Mean absolute error of arrivals 1 to 14 days ahead, from an origin every three days."""
    (series,) = SeriesEncoding(("arrivals",)).fit(whole).transform(whole)
    first = int(np.searchsorted(series.starts, int(later.starts.min())))
    errors, times = [], whole.times
    assert times is not None
    for origin in range(first + 1, len(series) - 7, 3):
        is_known = times < series.starts[origin]
        lengths = np.bincount(whole.case_of_event[is_known], minlength=whole.n_cases)
        then = whole.take_rows(np.flatnonzero(is_known), offsets_of(lengths[lengths > 0]))
        table = model.predict(then).predictions
        moments = table["timestamp"].dt.tz_convert("UTC").to_numpy("datetime64[us]").astype(np.int64)
        place = np.searchsorted(series.starts, moments)
        there = (place < len(series)) & (series.starts[np.minimum(place, len(series) - 1)] == moments)
        errors.append(np.abs(table["value"].to_numpy()[there] - series.values[place[there]]))
    return float(np.concatenate(errors).mean())


WHOLE = {"forecast": forecast_error, "anomaly": told_apart}


def rows_of(kind: str, label: str, log: EventLog, names: list[str]) -> Iterator[Row]:
    """A row an algorithm; one that this log cannot train is left out, and said."""
    known, later = known_before(log)
    for name, baseline in ((name, ALGORITHMS[name]) for name in names):
        task = name.partition("/")[0]
        parameters = parameters_of(task, known)
        value = WHOLE.get(task) or predictive(task)
        try:
            model, printed = loaded(name, known, parameters)
            other, _itself = loaded(baseline, known, parameters)
            seen = value(model, log, later, parameters) - value(other, log, later, parameters)
        except (PmlError, ValueError) as error:
            sys.stderr.write(f"{label} {name}: {error}\n")
            continue
        told = {key: printed[key] for key in ("verdict", "difference", "lower", "upper", "cuts", "because")}
        higher = printed["higher_is_better"]
        yield Row(kind=kind, log=label, name=name, n_cases=known.n_cases, higher=higher, seen=seen, **told)


def costs(log: EventLog, names: list[str]) -> Iterator[str]:
    """A line an algorithm: processor time of training with one cut and with three, and the ratio."""
    yield f"{'':34} {'1 cut, s':>9} {'3 cuts, s':>10} {'ratio':>6}"
    for name in names:
        parameters = parameters_of(name.partition("/")[0], log)
        one, three = (Model(name, **parameters, cuts=n).train(log).metadata["cpu_seconds"] for n in (1, 3))
        yield f"{name:34} {one:9.1f} {three:10.1f} {three / one:6.2f}"


def parameters_of(task: str, known: EventLog) -> dict[str, Any]:
    """The outcome is the activity that comes in nearest to half of the cases."""
    if task == "forecast":
        return {"horizon": HORIZON}
    if task != "outcome":
        return {}
    n_names = len(known.activities)
    pairs = np.unique(known.case_of_event * n_names + known.activity_codes) % n_names
    shares = np.bincount(pairs, minlength=n_names) / known.n_cases
    return {"outcome_activity": known.activities[int(np.abs(shares - 0.4).argmin())]}


def summary(rows: list[Row]) -> list[str]:
    """A line a kind and task, and the totals."""
    lines = [
        f"{'kind':12} {'task':16} {'rows':>5} {'held':>6} {'unclear':>8} {'better':>7} {'better kept':>12}"
    ]
    kinds = dict.fromkeys(row.kind for row in rows)
    for kind in kinds:
        own = [row for row in rows if row.kind == kind]
        for task in dict.fromkeys(row.name.partition("/")[0] for row in own):
            lines.append(_line(kind, task, [row for row in own if row.name.startswith(task)]))
    for kind in kinds:
        lines.append(_line(kind, "all", [row for row in rows if row.kind == kind]))
    foreseeable = [row for row in rows if row.kind != "after"]
    lines.append(_line("all but after", "all", foreseeable))
    large = [row for row in foreseeable if row.n_cases >= ENOUGH]
    lines.append(_line("1,000 cases", "all", large))
    return lines


def _line(kind: str, task: str, rows: list[Row]) -> str:
    if not rows:
        return f"{kind:13} {task:15} {0:5}"
    clear = [row for row in rows if row.lower is not None]
    better = [row for row in rows if row.verdict == "better"]
    kept = sum((row.seen > 0) == row.higher and row.seen != 0 for row in better)
    held = np.mean([row.is_held for row in clear]) if clear else float("nan")
    unclear = np.mean([row.verdict == "unclear" for row in rows])
    head = f"{kind:13} {task:15} {len(rows):5} {held:6.0%} {unclear:8.0%}"
    return f"{head} {len(better):7} {kept:8} of {len(better)}"


def each(rows: list[Row]) -> list[str]:
    """A line a row."""
    return [
        f"{row.log:24} {row.name:34} {row.n_cases:6} {row.difference:+8.4f} "
        f"[{row.lower if row.lower is not None else float('nan'):+8.4f}, "
        f"{row.upper if row.upper is not None else float('nan'):+8.4f}] {row.verdict:10} {row.seen:+8.4f} "
        f"{'held' if row.is_held else 'not held'}"
        for row in rows
    ]


def logs_of(asked: argparse.Namespace) -> Iterator[tuple[str, str, EventLog]]:
    """Kind, name and whole log of each, the simulated ones first."""
    first, last = map(int, asked.seeds.split(":"))
    for kind in filter(None, asked.kinds.split(",")):
        yield from (
            (kind, f"{kind}-{seed}", simulated(kind, seed, asked.cases)) for seed in range(first, last)
        )
    for spec in asked.logs:
        name, log = read(spec)
        yield "real", name, split_by_start(log).train if asked.validation else log


def main() -> None:
    """Prints a line a log and algorithm, and how often the promise was kept."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reading.add_argument("--kinds", default=",".join(KINDS))
    reading.add_argument("--seeds", default="0:10", metavar="FROM:TO")
    reading.add_argument("--cases", type=int, default=1500, help="of each simulated process")
    reading.add_argument("-a", default=",".join(ALGORITHMS), metavar="ALGORITHM,...")
    reading.add_argument("--logs", nargs="*", default=[])
    reading.add_argument("--validation", action="store_true")
    reading.add_argument("--rows", type=Path, help="each row is kept here, as a line of JSON")
    reading.add_argument("--cost", metavar="LOG", help="the cost of three cuts on this log, and nothing else")
    reading.add_argument("-o", type=Path)
    asked = reading.parse_args()
    names = asked.a.split(",")
    lines = list(costs(read(asked.cost)[1], names)) if asked.cost else tables(asked, names)
    tell([command(asked), "", *lines], asked.o)


def tables(asked: argparse.Namespace, names: list[str]) -> list[str]:
    """The summary and a line a row, of the rows that were kept and of those measured now."""
    rows = kept(asked.rows)
    for kind, label, log in logs_of(asked):
        there = {row.name for row in rows if row.log == label}
        for row in rows_of(kind, label, log, [name for name in names if name not in there]):
            rows.append(row)
            if asked.rows:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
    return [*summary(rows), "", *each(rows)]


def kept(path: Path | None) -> list[Row]:
    """Rows of earlier runs."""
    if path is None or not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def command(asked: argparse.Namespace) -> str:
    """What was typed, without the places of files."""
    paths = {*asked.logs, asked.cost, str(asked.rows)}
    said = [Path(word).name if word in paths else word for word in sys.argv[1:]]
    return f"$ OMP_NUM_THREADS=1 python benchmarks/promise.py {' '.join(said)}"


if __name__ == "__main__":
    main()
