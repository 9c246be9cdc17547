"""The order of steps of a training, the same for every algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm, clone, field_names
from pmlcli.encoding.base import Encoding
from pmlcli.errors import TrainingError
from pmlcli.evaluation.measurement import Comparison, compare
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split


@dataclass(frozen=True)
class Trained:
    """A fitted algorithm with its encoding, the samples it saw, how it compares, and what to know of it."""

    algorithm: Algorithm
    encoding: Encoding[Any]
    samples: int
    comparison: Comparison | None
    remarks: tuple[str, ...] = ()


def train_algorithm(untrained: Algorithm, name: str, log: EventLog) -> Trained:
    """Tries the algorithm on a split by time beside its baseline, then fits it on all of the log.

    Raises TrainingError for a log with too few samples; an algorithm may raise others.
    """
    encoding = untrained.make_encoding().fit(log)
    data = encoding.transform(log)
    samples = untrained.count_samples(data)
    _require_samples(untrained, name, samples)
    trial, comparison = _trial(untrained, name, log)
    final = clone(untrained)
    final.refit(data, trial)
    final.calibration_ = dict(trial.calibration_)
    final.settle(data)
    return Trained(final, encoding, samples, comparison, tuple(final.remarks(data, log)))


def _require_samples(algorithm: Algorithm, name: str, samples: int) -> None:
    if samples < algorithm.minimum_samples:
        raise TrainingError(
            f"{name} needs at least {algorithm.minimum_samples} {algorithm.sample_name}, "
            f"but the log gives {samples}",
            code="training.samples",
            hint="train on a longer log",
            context={"samples": samples, "minimum": algorithm.minimum_samples},
        )


def _trial(untrained: Algorithm, name: str, log: EventLog) -> tuple[Algorithm, Comparison | None]:
    """The algorithm fitted on the earlier part of the log, calibrated and measured on the later part."""
    split = untrained.make_split(log)
    trial, encoding = _fitted(untrained, split)
    trial.calibration_ = trial.calibrate(encoding, split, log)
    ours = trial.measure(encoding, split, log)
    if name == trial.baseline:
        return trial, compare(ours, ours, trial.baseline, seed=trial.seed, is_baseline=True)
    baseline, baseline_encoding = _fitted(_baseline_of(untrained), split)
    theirs = baseline.measure(baseline_encoding, split, log)
    return trial, compare(ours, theirs, trial.baseline, seed=trial.seed, is_baseline=False)


def _fitted(untrained: Algorithm, split: Split) -> tuple[Algorithm, Encoding[Any]]:
    algorithm = clone(untrained)
    encoding = algorithm.make_encoding().fit(split.train)
    algorithm.fit(encoding.transform(split.train))
    return algorithm, encoding


def _baseline_of(algorithm: Algorithm) -> Algorithm:
    """The task's baseline with the parameters that it shares with this algorithm (KPI, horizon, ...)."""
    cls = registry.find(algorithm.baseline)
    common = next(ancestor for ancestor in type(algorithm).__mro__ if issubclass(cls, ancestor))
    shared = set(algorithm.parameters()) & field_names(common)
    return cls(**{name: getattr(algorithm, name) for name in sorted(shared)})
