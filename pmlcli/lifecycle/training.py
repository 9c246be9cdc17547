"""The order of steps of a training, the same for every algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm, clone, field_names
from pmlcli.algorithms._interface.task import Data, Fitted, HeldOut
from pmlcli.errors import TrainingError
from pmlcli.evaluation.measurement import Comparison, compare
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split


@dataclass(frozen=True)
class Trained:
    """A fitted algorithm, the samples it saw, how it compares, and what to know of it."""

    fitted: Fitted[Algorithm[Any], Any]
    samples: int
    comparison: Comparison
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial(Generic[Data, HeldOut]):
    """An algorithm fitted on the earlier part of each cut, the last of them kept, and what each predicts for
    the later part: a table of held-out predictions a cut.
    """

    algorithm: Algorithm[Data]
    held_out: tuple[HeldOut, ...]


def train_algorithm(untrained: Algorithm[Data], name: str, log: EventLog) -> Trained:
    """Tries the algorithm on cuts by time beside its baseline, then fits it on all of the log.

    Raises TrainingError for a log with too few samples; an algorithm may raise others.
    """
    task = untrained.task
    encoding = untrained.make_encoding().fit(log)
    data = encoding.transform(log)
    samples = task.count_samples(untrained, data)
    _require_samples(untrained, name, samples)
    cuts = task.cuts(untrained, log)
    tried: Trial[Data, Any] = trial(untrained, cuts, log)
    calibration = task.calibrate(tried.algorithm, tried.held_out)
    comparison = _compared(tried, calibration, name, cuts, log)
    final = clone(untrained)
    final.refit(data, tried.algorithm)
    settled = task.settle(Fitted(final, encoding, calibration), data)
    fitted = Fitted(final, encoding, settled)
    return Trained(fitted, samples, comparison, tuple(task.remarks(fitted, data, log)))


def trial(untrained: Algorithm[Data], cuts: Sequence[Split], log: EventLog) -> Trial[Data, Any]:
    """The algorithm fitted on the training part of each cut, and its predictions for the test part."""
    tables = []
    for cut in cuts:
        algorithm = clone(untrained)
        encoding = algorithm.make_encoding().fit(cut.train)
        algorithm.fit(encoding.transform(cut.train))
        tables.append(algorithm.task.held_out(Fitted(algorithm, encoding), cut, log))
    return Trial(algorithm, tuple(tables))


def _require_samples(algorithm: Algorithm[Any], name: str, samples: int) -> None:
    if samples < algorithm.minimum_samples:
        raise TrainingError(
            f"{name} needs at least {algorithm.minimum_samples} {algorithm.task.sample_name}, "
            f"but the log gives {samples}",
            code="training.samples",
            hint="train on a longer log",
            context={"samples": samples, "minimum": algorithm.minimum_samples},
        )


def _compared(
    tried: Trial[Any, Any], calibration: dict[str, Any], name: str, cuts: Sequence[Split], log: EventLog
) -> Comparison:
    """The trial beside one of the task's baseline on the same cuts."""
    ours, task = tried.algorithm, tried.algorithm.task
    measured = task.measure(ours, tried.held_out, calibration)
    if name == task.baseline:
        return compare(measured, measured, name, seed=ours.seed, is_baseline=True)
    theirs = trial(_baseline_of(ours), cuts, log)
    other = task.measure(theirs.algorithm, theirs.held_out, {})
    return compare(measured, other, task.baseline, seed=ours.seed, is_baseline=False)


def _baseline_of(algorithm: Algorithm[Any]) -> Algorithm[Any]:
    """The task's baseline with the parameters that it shares with this algorithm (KPI, horizon, ...)."""
    cls = registry.find(algorithm.task.baseline)
    common = next(ancestor for ancestor in type(algorithm).__mro__ if issubclass(cls, ancestor))
    shared = set(algorithm.parameters()) & field_names(common)
    return cls(**{name: getattr(algorithm, name) for name in sorted(shared)})
