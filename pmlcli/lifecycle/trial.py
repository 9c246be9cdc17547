"""Trials on cuts by time, the comparison with the baseline and the final fit, alike for every algorithm."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from pmlcli import registry, runtime
from pmlcli.algorithms._interface.base import Algorithm, clone, field_names
from pmlcli.algorithms._interface.task import Calibration, Data, Fitted, HeldOut
from pmlcli.encoding.base import Encodes
from pmlcli.errors import TimeLimitError, TrainingError
from pmlcli.evaluation.comparison import Comparison, Measured, compare
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split
from pmlcli.lifecycle.periods import Periods

LEARNING, MEASURING = "learning", "measuring"
"""Phases, as progress names them."""
TRIAL_SHARE = 0.4
"""The fit of the last cut may take so much of the time that is left: the fit on all of the log takes longer,
and measuring takes time too."""
STILL_NEEDED = 2.5
"""An earlier cut is tried only where there is so much more time than the last one took: for itself, and for
the fit on all of the log."""


@dataclass(frozen=True)
class Trained:
    """A fitted algorithm, the samples it saw, how it compares, and what to know of it.

    `measuring_seconds`: of processor time, that cuts, baseline and comparison took.
    """

    fitted: Fitted[Algorithm[Any], Any]
    samples: int
    comparison: Comparison
    parts: tuple[Comparison, ...]
    measuring_seconds: float
    baseline: Fitted[Algorithm[Any], Any] | None = None
    """The task's baseline fitted on all of the log; None where the algorithm is the baseline."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial(Generic[Data, HeldOut]):
    """An algorithm fitted on the earlier part of each cut, the last of them kept, and what each predicts for
    the later part: a table of held-out predictions a cut.
    """

    algorithm: Algorithm[Data]
    held_out: tuple[HeldOut, ...]
    cuts: tuple[Split, ...]
    """Those from which something could be learned: the last, and most earlier ones."""


def train_algorithm(untrained: Algorithm[Data], name: str, log: EventLog) -> Trained:
    """Tries the algorithm on cuts by time beside its baseline, then fits it on all of the log.

    With a deadline (`runtime.use_deadline`) it stops between steps. Raises TrainingError for a log with too
    few samples, TimeLimitError where the time is over before there is anything to keep; an algorithm may
    raise others.
    """
    require_time(name, "anything was learned")
    task = untrained.task
    encoding = untrained.make_encoding().fit(log)
    data = encoding.transform(log)
    samples = task.count_samples(untrained, data)
    _require_samples(untrained, name, samples)
    started = time.process_time()
    tried: Trial[Data, Any] = trial(untrained, task.cuts(untrained, log), log)
    calibration = _calibrated(tried)
    theirs = (
        None if name == task.baseline else trial(baseline_of(tried.algorithm), tried.cuts, log, MEASURING)
    )
    comparison, parts = _compared(tried, theirs, calibration, name, log)
    baseline = None if theirs is None else _fitted_again(theirs, log)
    measuring_seconds = time.process_time() - started
    _require_time_for_all(untrained, name)
    fitted = _final(tried, encoding, data, calibration, log)
    if choices := fitted.algorithm.choices():
        fitted = replace(fitted, calibration=fitted.calibration | {"choices": choices})
    remarks = (*task.remarks(fitted, data, log), *choices)
    return Trained(fitted, samples, comparison, parts, measuring_seconds, baseline, remarks)


def fit_on(untrained: Algorithm[Any], name: str, log: EventLog) -> Fitted[Algorithm[Any], Any]:
    """The algorithm as `train_algorithm` fits it, held against no baseline; raises what that does."""
    require_time(name, "anything was learned")
    task = untrained.task
    data = untrained.make_encoding().fit(log).transform(log)
    _require_samples(untrained, name, task.count_samples(untrained, data))
    tried: Trial[Any, Any] = trial(untrained, task.cuts(untrained, log), log)
    _require_time_for_all(untrained, name)
    return _fitted_again(tried, log)


def require_time(name: str, until: str) -> None:
    """Raises TimeLimitError where the time is over; `until` says what there was no time for."""
    limit = runtime.deadline()
    if limit.is_over:
        raise TimeLimitError(
            f"{name}: the time limit of {limit.seconds:g} s was over before {until}",
            hint="give more time, a smaller log, or a method that learns faster or in steps",
            context={"limit_seconds": limit.seconds},
        )


def _require_time_for_all(algorithm: Algorithm[Any], name: str) -> None:
    """What works in steps stops by itself, after the first at the earliest; nothing else is begun late."""
    if not algorithm.can_stop_early:
        require_time(name, "it began to learn from all of the log, and it cannot stop halfway")


def _fitted_again(tried: Trial[Any, Any], log: EventLog) -> Fitted[Algorithm[Any], Any]:
    """What was tried, calibrated by its trial and fitted on all of the log."""
    encoding = tried.algorithm.make_encoding().fit(log)
    return _final(tried, encoding, encoding.transform(log), _calibrated(tried), log)


def _calibrated(tried: Trial[Any, Any]) -> Calibration:
    """What its task learns from the held-out predictions of a trial: of all cuts, or of the last alone."""
    task = tried.algorithm.task
    return task.calibrate(tried.algorithm, tried.held_out[0 if task.pools_cuts else -1 :])


def _final(
    tried: Trial[Data, Any], encoding: Encodes[Data], data: Data, calibration: Calibration, log: EventLog
) -> Fitted[Algorithm[Data], Data]:
    """What was tried, fitted on all of the log's data."""
    final = clone(tried.algorithm)
    with runtime.stage(LEARNING):
        final.refit(data, tried.algorithm)
    settled = final.task.settle(Fitted(final, encoding, calibration), data, log)
    return Fitted(final, encoding, settled)


def trial(
    untrained: Algorithm[Data], cuts: Sequence[Split], log: EventLog, phase: str = LEARNING
) -> Trial[Data, Any]:
    """The algorithm fitted on the training part of each cut, and its predictions for the test part.

    `phase` is what progress calls it. An earlier cut whose parts are too small for this algorithm or task is
    left out, and so is one for which there is no time; the last cut comes first.
    """
    found: list[tuple[Split, Algorithm[Data], Any]] = []
    for cut in runtime.track(_in_time(cuts), phase, len(cuts)):
        is_last = cut is cuts[-1]
        try:
            with runtime.use_part_of_time(TRIAL_SHARE):
                least = 0 if is_last else untrained.task.minimum_samples
                found.append((cut, *_tried(untrained, cut, log, least)))
        except TrainingError:
            if is_last:
                raise
    used, algorithms, tables = zip(*found[::-1], strict=True)
    return Trial(algorithms[-1], tables, used)


def _in_time(cuts: Sequence[Split]) -> Iterator[Split]:
    """The last cut, and the earlier ones for which there is time, later ones first."""
    limit, before = runtime.deadline(), runtime.deadline().left
    *earlier, last = cuts
    yield last
    needed = STILL_NEEDED * (before - limit.left) if limit.is_limited else 0.0
    for done, cut in enumerate(reversed(earlier), start=1):
        if limit.left < needed:
            limit.stop(f"measured on {done} of {len(cuts)} cuts")
            return
        yield cut


def _tried(
    untrained: Algorithm[Data], cut: Split, log: EventLog, least: int = 0
) -> tuple[Algorithm[Data], Any]:
    algorithm, task = clone(untrained), untrained.task
    encoding = algorithm.make_encoding().fit(cut.train)
    data = encoding.transform(cut.train)
    if least and task.count_samples(algorithm, data) < least:
        raise TrainingError(f"a training part with fewer than {least} {task.sample_name}")
    algorithm.fit(data)
    return algorithm, task.held_out(Fitted(algorithm, encoding), cut, log)


_LONGER = "train on a longer log"
_HOW_CASES_END = ", or say with which activity its cases end: --running mark --end-activity NAME"


def _require_samples(algorithm: Algorithm[Any], name: str, samples: int) -> None:
    if samples < algorithm.task.minimum_samples:
        raise TrainingError(
            f"{name} needs at least {algorithm.task.minimum_samples} {algorithm.task.sample_name}, "
            f"but the log gives {samples}",
            code="training.samples",
            hint=_LONGER + (_HOW_CASES_END if algorithm.task.needs_ended(algorithm) else ""),
            context={"samples": samples, "minimum": algorithm.task.minimum_samples},
        )


def _compared(
    tried: Trial[Any, Any],
    theirs: Trial[Any, Any] | None,
    calibration: Calibration,
    name: str,
    log: EventLog,
) -> tuple[Comparison, tuple[Comparison, ...]]:
    """The trial beside one of the task's baseline on the same cuts, None where it is the baseline itself."""
    ours, task = tried.algorithm, tried.algorithm.task
    is_baseline = theirs is None
    values = _measured(tried, calibration)
    others = values if theirs is None else _measured(theirs, {})
    periods = Periods(log, needs_ended=task.needs_ended(ours))
    measured = [
        Measured(one, other, periods.of(cut))
        for cut in tried.cuts
        if (one := values.get(id(cut))) is not None and (other := others.get(id(cut))) is not None
    ]
    if not measured:
        raise _nothing_to_measure(name)
    doubts = periods.doubts()

    def judged(cuts: Sequence[Measured]) -> Comparison:
        return compare(cuts, task.baseline, seed=ours.seed, is_baseline=is_baseline, doubts=doubts)

    parts = tuple(judged(cuts) for cuts in _by_part(measured))
    return _with_words(judged(measured), parts), parts


def _by_part(measured: Sequence[Measured]) -> list[list[Measured]]:
    """Of each part that the last cut pools, the cuts on which it was measured."""
    names = [part.metric for part in measured[-1].ours.parts]
    found: list[list[Measured]] = [[] for _name in names]
    for ours, theirs, period in measured:
        own = {part.metric: part for part in ours.parts}
        other = {part.metric: part for part in theirs.parts}
        for place, name in enumerate(names):
            if name in own and name in other and own[name].is_known and other[name].is_known:
                found[place].append(Measured(own[name], other[name], period))
    return [cuts for cuts in found if cuts]


def _with_words(pooled: Comparison, parts: Sequence[Comparison]) -> Comparison:
    """The pooled comparison, which says in words what is better and what is not."""
    if not parts or pooled.verdict == "is the baseline":
        return pooled
    verdicts = dict.fromkeys(part.verdict for part in parts)
    names = {
        one: ", ".join(part.metric.removeprefix("mae of ") for part in parts if part.verdict == one)
        for one in verdicts
    }
    told = "; ".join(f"{one}: {which}" for one, which in names.items())
    return replace(pooled, because=(*pooled.because, f"one by one, {told}"))


def _measured(tried: Trial[Any, Any], calibration: Calibration) -> dict[int, Measurement]:
    """The measurement of each cut, by the cut's identity; one that shows nothing has none.

    TrainingError of the last cut where no other shows anything.
    """
    task, found, failure = tried.algorithm.task, {}, None
    for cut, table in zip(tried.cuts, tried.held_out, strict=True):
        try:
            one = task.measure(tried.algorithm, (table,), calibration)
        except TrainingError as error:
            failure = error
            continue
        if one.is_known:
            found[id(cut)] = one
    if failure is not None and not found:
        raise failure
    return found


def _nothing_to_measure(name: str) -> TrainingError:
    return TrainingError(
        f"no later part of the log shows how well {name} does: none of its cases has gone far enough",
        code="training.samples",
        hint="train on a longer log",
    )


def baseline_of(algorithm: Algorithm[Any]) -> Algorithm[Any]:
    """The task's baseline with the parameters that it shares with this algorithm (KPI, horizon, ...)."""
    cls = registry.find(algorithm.task.baseline)
    common = next(ancestor for ancestor in type(algorithm).__mro__ if issubclass(cls, ancestor))
    shared = set(algorithm.parameters()) & field_names(common)
    return cls(**{name: getattr(algorithm, name) for name in sorted(shared)})
