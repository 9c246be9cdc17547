"""False alarms and missed changes of `pmlcli monitor`, beside the usual rules.

    OMP_NUM_THREADS=1 python benchmarks/monitoring.py [LOG ...] [--pairs N] [--known FOLDER] [--cut LOG ...]
        [-o FILE]

Three simulated processes, and every LOG that is given, are made stable in two ways. `halves`: the cases are
dealt at random to training and to the later log. `weeks`: blocks of four weeks are drawn with replacement and
laid end to end; the first two thirds are training. In `later` 1,000 cases of a simulated process follow 3,000
of training. Nothing has changed then, and every alarm is false.
Then an activity's share of cases moves by 5 points, and a wait doubles, in 1,000 later cases. The rules:

- `monitor`: what `pmlcli monitor` tells, at its default settings
- `p<.05`: any of the same tests, uncorrected
- `PSI>.1`, `PSI>.2`: the population stability index of any group of shares
- `oracle`: what nobody can know: the one number that moves, against the difference that it exceeds in one of
  twenty of the `later` runs in which nothing has changed. Its false alarms are those 5 %.

The settings were chosen on these and other simulated processes, with other seeds. Models are next-activity/
ngram; pairs are compared through the reference that a saved model keeps, and logs whose change is known
(`--known`), or that are cut by time (`--cut`), through models that were saved and loaded.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _result import tell

from pmlcli import Model
from pmlcli.cli.monitor import _hours
from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog import EventLog, read_log
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.monitoring import Monitored, Tested, compared, tested, told
from pmlcli.lifecycle.reference import Reference, read_reference, reference
from pmlcli.lifecycle.summing import CASES, EVENTS, Name
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


def simulated(process: int, cases: int, rng: Draw, *, extra: float = 0.10, wait: float = 1.0) -> EventLog:
    """Cases one every two hours on average. Process 0 is the same every week; in 1 odds and waits differ from
    week to week; in 2 they follow the month before as well.
    """
    begins = np.sort(rng.uniform(0, cases * 2.0 / 24.0, cases))
    week = (begins // 7).astype(int)
    noise = rng.normal(0.0, (0.0, 0.3, 0.15)[process], week.max() + 5)
    if process == 2:
        noise = np.convolve(noise, np.ones(4), mode="same")
    odds = np.clip(extra * np.exp(noise[week]), 0.0, 1.0)
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
    named: list[str]
    groups: list[Tested]

    def naming(self, wanted: Callable[[str], bool]) -> list[bool]:
        """The rules, `monitor` only where it names what is wanted."""
        return [any(wanted(one) for one in self.named), *self.rules[1:]]

    def difference(self, kind: str, per: str, name: Name) -> float:
        """How much the one feature differs."""
        found = next(one for one in self.groups if (one.group.kind, one.group.per) == (kind, per))
        return float(abs(found.found.change[found.group.names.index(name)]))


def pair(old: EventLog, new: EventLog) -> Pair:
    """Both logs compared, as a saved model of the old one would."""
    learned, how = kept(old), Monitored()
    groups = list(tested(learned, compared(learned, new), how))
    shares = [one for one in groups if one.group.per in (CASES, EVENTS)]
    index = max((_psi(one.old, one.new) for one in shares), default=0.0)
    lowest = min((float(one.p_values[one.which].min(initial=1.0)) for one in groups), default=1.0)
    named = [one.what for one in told(groups, how)]
    return Pair([bool(named), lowest < 0.05, index > 0.1, index > 0.2], named, groups)


def _psi(old: Sums, new: Sums) -> float:
    before, now = (np.maximum(one.x, 0.5) / np.maximum(one.d, 1.0) for one in (old, new))
    return float(((now - before) * np.log(now / before)).sum())


def seeded(number: int) -> Draw:
    """The draws of one pair."""
    return np.random.Generator(np.random.PCG64(number))


def row_of(name: str, way: str, found: list[list[bool]]) -> str:
    """A row of counts, which is printed as well."""
    counts = np.sum(found, axis=0).tolist()
    row = f"{name:42}{way:8}" + "".join(f"{count:>5} of {len(found):<4}" for count in counts)
    print(row, flush=True)
    return row


def stable(name: str, make: Callable[[Draw], EventLog], pairs: int) -> list[str]:
    """Rows of false alarms of one process."""
    rows = []
    for way in (halves, weeks):
        drawn = (seeded(number) for number in range(pairs))
        rows.append(row_of(name, way.__name__, [pair(*way(make(rng), rng)).rules for rng in drawn]))
    return rows


def changed(process: int, pairs: int) -> tuple[list[str], list[str]]:
    """Rows of one simulated process that goes on unchanged, and of changes found in it."""
    quiet = [_later(process, 20_000 + seed, {}) for seed in range(pairs)]
    unchanged = [row_of(f"process {process}", "later", [one.rules for one in quiet])]
    rows = []
    for name, more, wanted, feature in CHANGED:
        usual = np.quantile([one.difference(*feature) for one in quiet], 0.95)
        moved = (_later(process, 10_000 + seed, more) for seed in range(pairs))
        found = [[*one.naming(wanted), one.difference(*feature) > usual] for one in moved]
        rows.append(row_of(f"process {process}: {name}", "", found))
    return unchanged, rows


def _later(process: int, seed: int, more: dict[str, float]) -> Pair:
    rng = seeded(seed)
    return pair(simulated(process, 3000, rng), simulated(process, 1000, rng, **more))


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
    parser.add_argument("--log-pairs", type=int, help="Pairs of each LOG, where other than --pairs.")
    parser.add_argument("--known", type=Path, help="Folder of the logs whose change is known.")
    parser.add_argument("--cut", nargs="*", type=Path, default=[])
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    title = f"{'':50}" + "".join(f"{rule:>13}" for rule in RULES)
    quiet: list[str] = []
    found: list[str] = []
    for process in range(3):
        quiet += stable(f"process {process}", partial(simulated, process, 3000), given.pairs)
        more, rows = changed(process, given.pairs)
        quiet, found = quiet + more, found + rows
    for path in given.logs:
        log = read_log(path)
        pairs = given.log_pairs or given.pairs
        quiet += stable(path.name[:37], lambda _rng, one=log: one, pairs)  # type: ignore[misc]
    lines = ["False alarms where nothing changed", title, *quiet]
    lines += ["", "Changes found", f"{title}{'oracle':>13}", *found]
    if given.known:
        lines += ["", "Changes at a known case"]
        lines += [row for one in KNOWN for row in known(given.known, one)]
    if given.cut:
        lines += ["", "Logs cut by time", *(row for path in given.cut for row in cut(path))]
    tell(lines, given.output)


if __name__ == "__main__":
    main()
