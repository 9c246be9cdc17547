"""Outcome: how a case will end, by a label, an activity that occurs later, its duration or a rule."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import PredictRequest
from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.request import Asked, Columns, Rows
from pmlcli.algorithms._prefixes.task import PrefixPredictor, about_split
from pmlcli.algorithms.outcome._scales import by_prefix_length, earliness, fit_scale, held_out_error, rescaled
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.outcome.encoding import SOURCES, UNKNOWN, OutcomeEncoding, OutcomePrefixes, OutcomeSource
from pmlcli.encoding.profile.column import duration_words
from pmlcli.errors import TrainingError, ValidationError, nearest
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.ranking import macro_auc_over, squared_error_over
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split, measured_prefixes

Shares = NDArray[np.float64]


class _HeldOut(NamedTuple):
    """Prefixes of the test part, (rows,): probabilities, (rows, classes), classes, cases and lengths."""

    shares: Shares
    target: Rows
    cases: Rows
    lengths: Rows
    class_names: tuple[str, ...]


@dataclass(kw_only=True)
class OutcomePredictor(PrefixPredictor):
    """Gives each prefix a probability of each outcome, made honest by what held-out cases came to.

    What the outcome is, is named in one of four ways. It is never among what the algorithm looks at, and
    prefixes that settle it are neither learned from nor measured.
    """

    task: ClassVar[str] = "outcome"
    baseline: ClassVar[str] = "outcome/prior"
    recommended: ClassVar[str] = "outcome/ensemble"
    sample_name: ClassVar[str] = "cases whose outcome is known but not settled by their first event"

    label_column: Annotated[str | None, Param("Column that names each case's outcome.")] = None
    outcome_activity: Annotated[str | None, Param("The outcome is whether this activity will occur.")] = None
    slower_than: Annotated[str | None, Param("The outcome is whether a case takes longer, such as 30d.")] = (
        None
    )
    rule: Annotated[
        str | None, Param("The outcome is whether this will be true, such as count('Repair') > 2.")
    ] = None
    positive: Annotated[str | None, Param("The outcome that is looked for; none: the rarer one.")] = None
    attributes: Annotated[
        tuple[str, ...] | None, Param("Columns to look at; none: chosen by what they hold.")
    ] = None

    def __post_init__(self) -> None:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in SOURCES)
            found = " and ".join(f"--{name.replace('_', '-')}" for name in given) or "no word"
            raise ValidationError(
                f"the task outcome needs one word on what the outcome is, but got {found}",
                hint=f"give exactly one of {options}",
                context={"parameter": given[0] if given else SOURCES[0], "given": given},
            )
        self._outcome = OutcomeSource(given[0], getattr(self, given[0]))
        self._check_positive(self._outcome.class_names)
        self.make_encoding()  # refuses attributes that tell the outcome

    def _check_positive(self, class_names: tuple[str, ...] | None) -> None:
        if self.positive is None or class_names is None or self.positive in class_names:
            return
        near = nearest(self.positive, class_names)
        raise ValidationError(
            f"no outcome is called '{self.positive}'",
            hint=f"did you mean '{near}'?" if near else f"there is: {', '.join(class_names)}",
            context={"parameter": "positive", "value": self.positive},
        )

    def make_encoding(self) -> OutcomeEncoding:
        """Prefixes with attributes, and the outcomes of their cases."""
        return OutcomeEncoding(self._outcome, self.attributes)

    def make_split(self, log: EventLog) -> Split:
        """Of the cases that were watched for long enough."""
        is_watched = self._outcome.watched(log)
        return super().make_split(log if is_watched.all() else log.take_cases(np.flatnonzero(is_watched)))

    @abstractmethod
    def probabilities(self, data: OutcomePrefixes, rows: Rows) -> Shares:
        """(rows, classes): of each of these prefixes (events that end them, ascending); rows sum to 1.

        A row depends on the events of its case up to that one alone.
        """

    def count_samples(self, data: Any) -> int:
        """Cases whose outcome is known and not settled at once; TrainingError when all have the same."""
        self._check_positive(data.class_names)
        cases = np.unique(data.case_of_event[data.is_counted])
        if self._outcome.limit and not len(cases):
            raise TrainingError(
                f"no case began at least {duration_words(self._outcome.limit)} before the log's end and went "
                "on after its first event; of later ones only the short are known",
                code="training.outcome",
                hint="name a shorter time, or train on a longer log",
            )
        if len(cases) < self.minimum_samples:
            self._refuse_few(data, len(cases))
        present = np.unique(data.target[cases])
        if len(cases) >= self.minimum_samples and len(present) < 2:
            raise TrainingError(
                f"all {len(cases):,} cases with a known outcome have the same, "
                f"'{data.class_names[present[0]]}'",
                code="training.outcome",
                hint="name another outcome, or train on a log that has both",
                context={"outcome": data.class_names[present[0]], "samples": len(cases)},
            )
        return len(cases)

    def _refuse_few(self, data: Any, samples: int) -> None:
        """TrainingError where a longer log of the same kind would have too few samples as well."""
        known = int((data.target != UNKNOWN).sum())
        at_once = int((data.settled[data.offsets[:-1]] != UNKNOWN).sum())
        source, context = self._outcome, {"samples": samples, "minimum": self.minimum_samples}
        if source.kind == "label_column" and known < data.n_cases:
            raise TrainingError(
                f"column '{source.text}' names the outcome of {known:,} of {data.n_cases:,} cases, but at "
                f"least {self.minimum_samples} are needed",
                code="training.outcome",
                hint="name another column with --label-column, or fill in how more cases ended",
                context=context | {"column": source.text},
            )
        if at_once and known >= self.minimum_samples:
            raise TrainingError(
                f"{at_once:,} of {data.n_cases:,} cases have their outcome settled by their first event, so "
                "nothing is left to predict",
                code="training.outcome",
                hint="name an outcome that is decided later: another activity, or a rule about what follows",
                context=context,
            )

    # --- measured on held-out cases

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """AUC over the prefixes of the test part before the outcome is settled, resampled by case."""
        held_out = self._held_out(encoding, split, log)
        target, shares = held_out.target, held_out.shares
        _cases, unit = np.unique(held_out.cases, return_inverse=True)
        has_both = len(np.unique(target)) > 1
        value_of = macro_auc_over if has_both else squared_error_over
        what = f"outcome by {self._outcome.kind.replace('_', ' ')} '{self._outcome.text}'"
        return Measurement(
            metric="auc" if has_both else "brier-score",
            unit="share",
            higher_is_better=has_both,
            n_units=len(_cases),
            value_of=value_of(target, shares, unit, len(_cases)),
            about=f"{what}, over all prefixes before it is settled"
            + (", mean of each class against the others" if has_both and shares.shape[1] > 2 else "")
            + ("" if has_both else "; the test part has one outcome alone, which leaves nothing to rank")
            + f"; {about_split(split)}",
        )

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """Scale and offset by class of the probabilities, their error, AUC by prefix length and earliness."""
        held_out = self._held_out(encoding, split, log)
        scale, offsets = fit_scale(held_out.shares, held_out.target, held_out.cases)
        positive = self._positive(encoding.transform(split.train))
        honest = rescaled(held_out.shares, scale, offsets)
        of_positive = (honest[:, positive], held_out.target == positive, held_out.cases, held_out.lengths)
        error = held_out_error(held_out.shares, held_out.target, held_out.cases)
        return {
            "scale": scale,
            "offsets": dict(zip(held_out.class_names, offsets.tolist(), strict=True)),
            "calibration_error": error if np.isfinite(error) else None,
            "auc_by_prefix_length": by_prefix_length(held_out.shares, held_out.target, held_out.lengths),
            "earliness": earliness(*of_positive),
        }

    def settle(self, data: OutcomePrefixes) -> None:
        """The classes, their shares of the cases, and the one that is looked for."""
        counts = np.bincount(data.target[data.target != UNKNOWN], minlength=data.n_classes)
        self.calibration_["classes"] = list(data.class_names)
        self.calibration_["shares"] = (counts / counts.sum()).tolist()
        self.calibration_["positive"] = data.class_names[self._positive(data)]

    def _positive(self, data: OutcomePrefixes) -> int:
        """The class looked for: the one named, else what the source is about, else the rarest label."""
        if self.positive in data.class_names:
            return data.class_names.index(self.positive)
        if self._outcome.class_names is not None:
            return 1
        return int(np.bincount(data.target[data.target != UNKNOWN], minlength=data.n_classes).argmin())

    def _held_out(self, encoding: Encoding[Any], split: Split, log: EventLog) -> _HeldOut:
        assert isinstance(encoding, OutcomeEncoding)
        data = encoding.transform(split.test, None if log.times is None else int(log.times.max()))
        rows = np.flatnonzero(data.is_counted & measured_prefixes(split))
        if len(rows) == 0:
            raise TrainingError(
                "no prefix of the last fifth of the cases has an outcome that is known and not settled yet",
                code="training.outcome",
                hint="name another outcome, or train on a longer log",
            )
        cases, lengths = data.case_of_event[rows], data.position[rows] + 1
        shares = self.probabilities(data, rows)
        return _HeldOut(shares, data.target[cases], cases, lengths, data.class_names)

    def remarks(self, data: OutcomePrefixes, log: EventLog) -> list[str]:
        """How common the outcomes are, what is left out as it tells them, and how early they are told."""
        shares = zip(self.calibration_["classes"], self.calibration_["shares"], strict=True)
        found = [f"outcomes: {', '.join(f'{name} {share:.0%}' for name, share in shares)} of the cases"]
        young = int((~self._outcome.watched(log)).sum())
        if young:
            found.append(
                f"{young:,} of {log.n_cases:,} cases began less than {duration_words(self._outcome.limit)} "
                "before the log's end and are not learned from: only the short ones of them are known"
            )
        found += [
            f"column '{name}' tells the outcome one to one, so it is not looked at (-p attributes=... does)"
            for name in data.left_out
        ]
        lengths = self.calibration_["auc_by_prefix_length"]
        if lengths:
            told = ", ".join(f"{one['auc']:.2f} after {one['prefix_length']}" for one in lengths)
            found.append(f"AUC by number of events, on held-out cases: {told}")
        if self.calibration_["calibration_error"] is not None:
            error = 100 * self.calibration_["calibration_error"]
            found.append(f"probabilities are off by {error:.1f} points on average, on held-out cases")
        return found

    # --- answers

    def answer(self, asked: Asked) -> Columns:
        """outcome, probability, positive_probability, is_settled."""
        shares = self._honest(asked.data, asked.rows, asked.silent)
        likeliest, names = shares.argmax(axis=1), np.asarray(asked.data.class_names, dtype=object)
        positive = asked.data.class_names.index(self.calibration_["positive"])
        return {
            "outcome": names[likeliest],
            "probability": shares[np.arange(len(shares)), likeliest],
            "positive_probability": shares[:, positive],
            "is_settled": self._settled(asked.data, asked.rows, asked.silent) != UNKNOWN,
        }

    def answer_columns(self, request: PredictRequest) -> tuple[Column, ...]:
        """The outcome, its probability and that of the one looked for, and whether it is settled."""
        return (
            *columns("text", "outcome"),
            *columns("number", "probability", "positive_probability"),
            *columns("flag", "is_settled"),
        )

    def _settled(self, data: OutcomePrefixes, rows: Rows, silent: NDArray[np.float64]) -> Rows:
        """The classes that are settled, (rows,): a running case also by the time for which it goes on."""
        settled = data.settled[rows]
        if self._outcome.kind != "slower_than" or data.micros is None:
            return settled
        so_far = (data.micros[rows] - data.began[rows]) / 1e6
        return np.where(so_far + silent > self._outcome.limit, 1, settled)

    def _honest(self, data: OutcomePrefixes, rows: Rows, silent: NDArray[np.float64]) -> Shares:
        """Rescaled probabilities; 1 for what is settled."""
        offsets = np.array([self.calibration_["offsets"].get(name, 0.0) for name in data.class_names])
        shares = rescaled(self.probabilities(data, rows), self.calibration_["scale"], offsets)
        settled = self._settled(data, rows, silent)
        certain = np.eye(data.n_classes)[np.maximum(settled, 0)]
        return np.where((settled != UNKNOWN)[:, None], certain, shares)

    def strength(self, asked: Asked, answers: Columns, data: Any, rows: Rows) -> NDArray[np.float64]:
        """The probability of the outcome that was the likeliest."""
        place = {name: code for code, name in enumerate(asked.data.class_names)}
        classes = np.array([place[name] for name in answers["outcome"]], dtype=np.int64)
        return self._honest(data, rows, asked.silent)[np.arange(len(rows)), classes]

    def say_change(self, change: float) -> str:
        """Percentage points."""
        return f"{100 * change:+.1f} points"

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """Also whose probability `positive_probability` is."""
        positive = self.calibration_.get("positive")
        about = [f"positive_probability is that of '{positive}'"] if positive else []
        return [*super().notes(log, table, request), *about]

    def output_units(self) -> dict[str, str]:
        """Probabilities are shares."""
        return super().output_units() | {"probability": "share", "positive_probability": "share"}
