"""False alarms and missed changes of `pmlcli monitor`, beside the usual rules.

    OMP_NUM_THREADS=1 python benchmarks/monitoring.py [LOG ...] [--pairs N] [--power-pairs N]
        [--compare-pairs N] [--month-runs N] [--known FOLDER] [--cut LOG ...] [-o FILE]

Three simulated processes, and every LOG that is given, are made stable in two ways. `halves`: the cases are
dealt at random to training and to the later log. `weeks`: blocks of four weeks are drawn with replacement and
laid end to end; the first two thirds are training. In `later` 1,000 cases of a simulated process follow 3,000
of training. Nothing has changed then, and every alarm is false.
Then an activity's share of cases moves by 5 points, and a wait doubles, in 1,000 later cases; and the share
grows slowly from the first case of training on. `compare` holds two such logs against each other, and the
months of one. The rules:

- `monitor`: what `pmlcli monitor` tells, at its default settings
- `p<.05`: any of the same tests, uncorrected
- `PSI>.1`, `PSI>.2`: the population stability index of any group of shares
- `oracle`: what nobody can know: the one number that moves, against the difference that it exceeds in one of
  twenty of the `later` runs in which nothing has changed. Its false alarms are those 5 %.

The settings were chosen on these simulated processes with other seeds, and on the first part of real logs.
Pairs are compared by the reference that a saved model keeps, with no model trained for each: the reference is
made of the log alone, whatever the algorithm, and nothing else is looked at. A few pairs go through models
(next-activity/ngram) that were saved and loaded as well, and so do logs whose change is known (`--known`), or
that are cut by time (`--cut`).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _result import tell

from pmlcli import Model
from pmlcli.cli.monitor import _hours
from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog import EventLog, read_log
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.comparing import DIFFER, differences, of_groups
from pmlcli.lifecycle.monitoring import Change, Monitored, Tested, compared, tested
from pmlcli.lifecycle.reference import Reference, read_reference, reference
from pmlcli.lifecycle.summing import CASES, EVENTS, Name, Summer, View, is_present
from pmlcli.store import strictjson

RULES = ("monitor", "p<.05", "PSI>.1", "PSI>.2")
STEPS = ("Register", "Check", "Decide", "Inform", "Close")
CHANGED: tuple[tuple[str, dict[str, float], Callable[[str], bool], tuple[str, str, Name]], ...] = (
    (
        "activity 10 -> 15 % of cases",
        {"extra": 0.15},
        lambda what: "Ask again" in what,
        ("activity", "cases", ("Ask again",)),
    ),
    (
        "wait doubled",
        {"wait": 2.0},
        lambda what: what == "wait `Check` > `Decide`",
        ("wait", "values", ("Check", "Decide")),
    ),
)
"""What moves, which of the told changes name it, and which feature it is."""
UNMOVED = ("resource", "weekday", "hour", "number", "arrivals")
"""Kinds of features that no planted change moves."""
KNOWN: tuple[tuple[str, int, int, int, int, str], ...] = (
    ("bose_log.xes.gz", 0, 900, 1199, 2399, "30d"),
    ("bose_log.xes.gz", 1200, 2100, 2399, 3599, "30d"),
    ("bose_log.xes.gz", 2400, 3300, 3599, 4799, "30d"),
    ("bose_log.xes.gz", 3600, 4500, 4799, 6000, "30d"),
    ("sudden_trace_noise0_1000_cb.xes.gz", 0, 300, 499, 1000, "12h"),
    ("sudden_trace_noise10_1000_re.xes.gz", 0, 300, 499, 1000, "12h"),
)
"""Logs with a change after a case by order of start: training from and to, the change, and the last case."""
_BLOCK = 4 * 7 * 86_400_000_000
Draw = np.random.Generator


def simulated(
    process: int, cases: int, rng: Draw, *, extra: float | tuple[float, float] = 0.10, wait: float = 1.0
) -> EventLog:
    """Cases one every two hours on average. Process 0 is the same every week; in 1 odds and waits differ from
    week to week; in 2 they follow the month before as well. `extra` is the share of cases with an activity
    more, or what it grows from and to.
    """
    begins = np.sort(rng.uniform(0, cases * 2.0 / 24.0, cases))
    week = (begins // 7).astype(int)
    noise = rng.normal(0.0, (0.0, 0.3, 0.15)[process], week.max() + 5)
    if process == 2:
        noise = np.convolve(noise, np.ones(4), mode="same")
    first, last = extra if isinstance(extra, tuple) else (extra, extra)
    odds = np.clip(np.linspace(first, last, cases) * np.exp(noise[week]), 0.0, 1.0)
    asks = rng.random(cases) < odds
    gaps = rng.exponential([0.1, 0.3, wait, 0.2, 0.5], (cases, 5))
    gaps[:, 0], gaps[:, 2] = 0.0, gaps[:, 2] * np.exp(noise[week])
    frame = pd.DataFrame(
        {
            "case_id": np.repeat([f"c{one}" for one in range(cases)], 5),
            "activity": np.tile(STEPS, cases),
            "days": (begins[:, np.newaxis] + np.cumsum(gaps, axis=1)).ravel(),
            "resource": rng.choice(["Ann", "Bob", "Cem"], cases * 5),
            "amount": np.repeat(rng.lognormal(6, 1, cases), 5),
        }
    )
    more = frame[(frame["activity"] == "Check") & np.repeat(asks, 5)].assign(activity="Ask again")
    frame = pd.concat([frame, more.assign(days=more["days"] + 0.01)])
    moment = pd.Timestamp("2024-01-01") + pd.to_timedelta((frame.pop("days") * 86400).round(), unit="s")
    return read_log(frame.assign(timestamp=moment))


def halves(log: EventLog, rng: Draw) -> tuple[EventLog, EventLog]:
    """The cases, dealt at random."""
    order = rng.permutation(log.n_cases)
    middle = log.n_cases // 2
    return log.take_cases(np.sort(order[:middle])), log.take_cases(np.sort(order[middle:]))


def weeks(log: EventLog, rng: Draw) -> tuple[EventLog, EventLog]:
    """Blocks of four weeks, drawn with replacement and laid end to end."""
    block = (log.starts - log.starts.min()) // _BLOCK
    count = int(block.max()) + 1
    drawn = rng.integers(0, count, max(count, 6))
    cases = [np.flatnonzero(block == one) for one in drawn]
    slot = np.repeat(np.arange(len(drawn)), [len(one) for one in cases])
    taken = log.take_cases(np.concatenate(cases))
    assert taken.times is not None
    shift = (slot - np.repeat(drawn, [len(one) for one in cases])) * _BLOCK
    frame = taken.frame.drop(columns=[name for name in ("start_timestamp",) if name in taken.frame])
    taken = replace(taken, frame=frame, times=taken.times + shift[taken.case_of_event])
    cut = len(drawn) * 2 // 3
    return taken.take_cases(np.flatnonzero(slot < cut)), taken.take_cases(np.flatnonzero(slot >= cut))


def kept(log: EventLog) -> Reference:
    """The reference, as a saved model has it."""
    return read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})


@dataclass(frozen=True)
class Pair:
    """A training log and a later one, compared: which rules tell of a change, what `monitor` names, and every
    difference.
    """

    rules: list[bool]
    changes: list[Change]
    groups: Sequence[Tested]

    def naming(self, wanted: Callable[[str], bool]) -> list[bool]:
        """The rules, `monitor` only where it names what is wanted."""
        return [any(wanted(one.what) for one in self.changes), *self.rules[1:]]

    def difference(self, kind: str, per: str, name: Name) -> float:
        """How much the one feature differs."""
        found = next(one for one in self.groups if (one.group.kind, one.group.per) == (kind, per))
        place = found.which.tolist().index(found.group.names.index(name))
        return float(abs(found.found.change[place]))


def pair(learned: Reference, new: EventLog) -> Pair:
    """Both logs compared, as a saved model of the old one would."""
    how, view = Monitored(), compared(learned, new)
    found = tested(learned, view, how)
    index = max((_psi(*one) for one in _shares(learned, view)), default=0.0)
    lowest = float(found.p_values.min(initial=1.0))
    told = found.told(how)
    return Pair([bool(told), lowest < 0.05, index > 0.1, index > 0.2], told, found.groups)


def _shares(learned: Reference, view: View) -> Iterator[tuple[Sums, Sums]]:
    summer = Summer(view, learned.blocks)
    for group, old in learned.groups:
        if group.per in (CASES, EVENTS) and is_present(view.log, group):
            yield old, summer.sums(group)


def _psi(old: Sums, new: Sums) -> float:
    before, now = (np.maximum(one.x, 0.5) / np.maximum(one.d, 1.0) for one in (old, new))
    return float(((now - before) * np.log(now / before)).sum())


def seeded(number: int) -> Draw:
    """The draws of one pair."""
    return np.random.Generator(np.random.PCG64(number))


def row_of(name: str, way: str, found: list[list[bool]]) -> str:
    """A row of counts, which is printed as well."""
    counts = np.sum(found, axis=0).tolist()
    cells = "".join(f"{count:>5} of {len(found):<4}" for count in counts)
    row = f"{name:42}{way:8}{cells}".rstrip()
    print(row, flush=True)
    return row


def stable(name: str, make: Callable[[Draw], EventLog], pairs: int) -> list[str]:
    """Rows of false alarms of one process: both ways to deal each log."""
    found: dict[str, list[list[bool]]] = {way.__name__: [] for way in (halves, weeks)}
    for number in range(pairs):
        rng = seeded(number)
        log = make(rng)
        for way in (halves, weeks):
            old, new = way(log, rng)
            found[way.__name__].append(pair(kept(old), new).rules)
    return [row_of(name, way, rules) for way, rules in found.items()]


def changed(process: int, pairs: int) -> tuple[list[str], list[str], list[str]]:
    """Rows of one simulated process that goes on unchanged, of changes found in it, and of their dates."""
    learned = [kept(simulated(process, 3000, seeded(20_000 + seed))) for seed in range(pairs)]
    quiet = [_later(one, process, 30_000 + seed) for seed, one in enumerate(learned)]
    unchanged = [row_of(f"process {process}", "later", [one.rules for one in quiet])]
    rows, listed = [], []
    for name, more, wanted, feature in CHANGED:
        usual = np.quantile([one.difference(*feature) for one in quiet], 0.95)
        moved = [_later(one, process, 10_000 + seed, **more) for seed, one in enumerate(learned)]
        found = [[*one.naming(wanted), one.difference(*feature) > usual] for one in moved]
        rows.append(row_of(f"process {process}: {name}", "", found))
        listed += [one for pair_ in moved for one in pair_.changes]
    rows.append(row_of(f"process {process}: grows slowly, 10 to 20 %", "", _slow(process, pairs)))
    beside = sum(one.kind in UNMOVED for one in listed)
    told = [f"process {process}: {len(listed)} changes listed, {beside} of what did not move"]
    return unchanged, rows, [*told, _dated(process, learned)]


def _later(learned: Reference, process: int, seed: int, **more: Any) -> Pair:
    new = simulated(process, 1000, seeded(seed), **more)
    return pair(replace(learned, begun_until=None), new)


def _slow(process: int, pairs: int) -> list[list[bool]]:
    """An activity that grows from the first case of training to the last of the later log."""
    found = []
    for seed in range(pairs):
        learned = kept(simulated(process, 3000, seeded(40_000 + seed), extra=(0.10, 0.175)))
        found.append(_later(learned, process, 45_000 + seed, extra=(0.175, 0.20)).naming(CHANGED[0][2]))
    return found


def _dated(process: int, learned: list[Reference]) -> str:
    """How well a change from 10 to 30 % of cases is dated that begins in the middle of the later log."""
    errors = []
    for seed, one in enumerate(learned):
        calm, moved = (
            simulated(process, 500, seeded(50_000 + 2 * seed + part), extra=extra)
            for part, extra in enumerate((0.10, 0.30))
        )
        shift = pd.Timedelta(hours=1000)
        frame = moved.frame.assign(
            timestamp=moved.frame["timestamp"] + shift, case_id="m" + moved.frame["case_id"].astype(str)
        )
        found = pair(replace(one, begun_until=None), read_log(pd.concat([calm.frame, frame])))
        since = [each.since for each in found.changes if each.what == "`Ask again`"]
        began = pd.Timestamp("2024-01-01") + shift
        errors += [(pd.Timestamp(day) - began).days for day in since if day is not None]
    near = sum(-7 <= error <= 7 for error in errors)
    return f"  10 -> 30 % in the middle: named in {len(errors)} of {len(learned)}, {near} dated to a week"


def alike(name: str, make: Callable[[Draw], EventLog], pairs: int) -> list[str]:
    """Rows of `compare` of two logs where nothing differs."""
    rows = []
    for way in (halves, weeks):
        found = []
        for number in range(pairs):
            rng = seeded(60_000 + number)
            found.append([bool(differences(*way(make(rng), rng), Monitored())[0])])
        rows.append(row_of(name, way.__name__, found))
    return rows


def by_month(process: int, runs: int) -> str:
    """A row of `compare --by month` of a process that stays as it is: eight months, in each run."""
    logs = (simulated(process, 3000, seeded(80_000 + number)) for number in range(runs))
    found = [[of_groups(log, "month", Monitored()).verdict == DIFFER] for log in logs]
    return row_of(f"process {process}", "months", found)


def through_models(process: int, pairs: int = 2) -> str:
    """Whether saved and loaded models tell the same as a comparison of sums does, with and without change."""
    same = 0
    for number in range(pairs):
        old = simulated(process, 1500, seeded(90_000 + number))
        frame = simulated(process, 500, seeded(95_000 + number), extra=0.10 + 0.3 * (number % 2)).frame
        new = read_log(frame.assign(timestamp=frame["timestamp"] + pd.Timedelta(days=200)))
        by_model = next(one.value for one in saved(old).monitor(new).figures if one.name == "changes")
        same += by_model == len(pair(kept(old), new).changes)
    return f"process {process}: saved models list as many changes in {same} of {pairs} pairs"


def known(folder: Path, log_of: tuple[str, int, int, int, int, str]) -> list[str]:
    """Rows of a log whose change is known: its stable part alone, and the part with the change."""
    name, first, until, change, end, window = log_of
    log = read_log(folder / name)
    cases = np.argsort(log.starts, kind="stable")
    parts = [
        log.take_cases(np.sort(cases[start:stop]))
        for start, stop in ((first, until), (until, change + 1), (until, end))
    ]
    learned = saved(parts[0])
    how = Monitored(window=_hours(window) * 3_600_000_000)
    calm, moved = (learned.monitor(part, how=how) for part in parts[1:])
    began = str(pd.Timestamp(log.starts[cases[change + 1]], unit="us"))[:10]
    return [
        f"{name}, cases {first} to {until - 1} learned",
        f"  to the change: {calm.sentence}",
        f"  with it ({began}): {moved.sentence}",
    ]


def cut(path: Path) -> list[str]:
    """Rows of a log cut by time: the first three fifths of the cases are training."""
    log = read_log(path)
    cases = np.argsort(log.starts, kind="stable")
    at = log.n_cases * 3 // 5
    old, new = (log.take_cases(np.sort(part)) for part in (cases[:at], cases[at:]))
    found = saved(old).monitor(new)
    sentences = [one for section in found.sections for one in section.sentences][:4]
    return [f"{path.name}: {found.sentence}", *(f"  {one}" for one in sentences)]


def saved(log: EventLog) -> Model:
    """A model of the log, saved and loaded."""
    with tempfile.TemporaryDirectory() as place:
        model = Model("next-activity/ngram")
        model.train(log)
        model.save(Path(place) / "m", check=False)
        return Model.load(Path(place) / "m")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="False alarms and missed changes.")
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--power-pairs", type=int, default=60)
    parser.add_argument("--compare-pairs", type=int, default=40)
    parser.add_argument("--month-runs", type=int, default=10)
    parser.add_argument("--known", type=Path, help="Folder of the logs whose change is known.")
    parser.add_argument("--cut", nargs="*", type=Path, default=[])
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    title = f"{'':50}" + "".join(f"{rule:>13}" for rule in RULES)
    logs = {path.name[:37]: read_log(path) for path in given.logs}
    sources: dict[str, Callable[[Draw], EventLog]] = {
        **{f"process {process}": partial(simulated, process, 3000) for process in range(3)},
        **{name: lambda _rng, one=log: one for name, log in logs.items()},  # type: ignore[misc]
    }
    quiet = [row for name, make in sources.items() for row in stable(name, make, given.pairs)]
    parts = [changed(process, given.power_pairs) for process in range(3)]
    lines = ["False alarms where nothing changed", title, *quiet, *(row for part in parts for row in part[0])]
    lines += ["", "Changes found", f"{title}{'oracle':>13}", *(row for part in parts for row in part[1])]
    lines += ["", "What was listed, and dates", *(row for part in parts for row in part[2])]
    if given.known:
        lines += ["", "Changes at a known case"]
        lines += [row for one in KNOWN for row in known(given.known, one)]
    if given.cut:
        lines += ["", "Logs cut by time", *(row for path in given.cut for row in cut(path))]
    lines += ["", "The same through saved and loaded models", *map(through_models, range(3))]
    lines += ["", "compare: differences where nothing differs"]
    lines += [row for name, make in sources.items() for row in alike(name, make, given.compare_pairs)]
    lines += [by_month(process, given.month_runs) for process in range(3)]
    tell(lines, given.output)


if __name__ == "__main__":
    main()
