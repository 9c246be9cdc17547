"""Outcome: how a case will end, by a label, an activity that occurs later, its duration or a rule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import Attributes
from pmlcli.algorithms._interface.request import Fields
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted
from pmlcli.algorithms._prefixes.request import Columns, Requested
from pmlcli.algorithms._prefixes.rows import about_split, pooled
from pmlcli.algorithms._prefixes.task import PrefixTask, SplitChoice
from pmlcli.algorithms._prefixes.truth import Prefixes, learned
from pmlcli.algorithms.outcome._classes import class_column, shares_in, texts_of
from pmlcli.algorithms.outcome._request import OutcomeRequest
from pmlcli.algorithms.outcome._scales import by_prefix_length, earliness, fit_scale, held_out_error, rescaled
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.outcome.encoding import SOURCES, UNKNOWN, OutcomeEncoding, OutcomePrefixes, OutcomeSource
from pmlcli.encoding.outcome.truth import outcomes
from pmlcli.encoding.profile.column import duration_words
from pmlcli.errors import TrainingError, ValidationError, nearest
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.quality import Quality, auc_of, calibration_error_of, macro_auc_of, mean_of
from pmlcli.evaluation.ranking import macro_auc_over, squared_error_over
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split, measured_prefixes


class HeldOut(NamedTuple):
    """Prefixes of a test part, (rows,): probabilities, (rows, classes), classes, cases and lengths."""

    shares: Floats
    target: Codes
    cases: Codes
    lengths: Codes
    class_names: tuple[str, ...]
    positive: int
    """The class that is looked for."""
    about: str
    """What the test part is."""


class OutcomeTask(PrefixTask["OutcomePredictor", OutcomePrefixes, HeldOut, OutcomeRequest]):
    """Gives each prefix a probability of each outcome, made honest by what held-out cases came to.

    What the outcome is, is named in one of four ways. It is never among what the algorithm looks at, and
    prefixes that settle it are neither learned from nor measured.
    """

    name = "outcome"
    baseline = "outcome/prior"
    recommended = "outcome/ensemble"
    request = OutcomeRequest
    risks = ("positive_probability",)
    baseline_phrase = "by the shares of training"
    sample_name = "cases whose outcome is known but not settled by their first event"

    def cuts(self, algorithm: OutcomePredictor, log: EventLog) -> Sequence[Split]:
        """Of the cases that were watched for long enough."""
        is_watched = algorithm.outcome.watched(log)
        return super().cuts(
            algorithm, log if is_watched.all() else log.take_cases(np.flatnonzero(is_watched))
        )

    def count_samples(self, algorithm: OutcomePredictor, data: OutcomePrefixes) -> int:
        """Cases whose outcome is known and not settled at once; TrainingError when all have the same."""
        algorithm.check_positive(data.class_names)
        cases = np.unique(data.case_of_event[data.is_counted])
        if algorithm.outcome.limit and not len(cases):
            raise TrainingError(
                f"no case began at least {duration_words(algorithm.outcome.limit)} before the log's end and "
                "went on after its first event; of later ones only the short are known",
                code="training.outcome",
                hint="name a shorter time, or train on a longer log",
            )
        if len(cases) < algorithm.task.minimum_samples:
            _refuse_few(algorithm, data, len(cases))
        present = np.unique(data.target[cases])
        if len(cases) >= algorithm.task.minimum_samples and len(present) < 2:
            raise TrainingError(
                f"all {len(cases):,} cases with a known outcome have the same, "
                f"'{data.class_names[present[0]]}'",
                code="training.outcome",
                hint="name another outcome, or train on a log that has both",
                context={"outcome": data.class_names[present[0]], "samples": len(cases)},
            )
        return len(cases)

    def needs_ended(self, algorithm: OutcomePredictor) -> bool:
        """Unless the outcome is known from a column, or of all cases that were watched for long enough."""
        return algorithm.outcome.kind != "label_column" and not algorithm.outcome.limit

    # --- measured on held-out cases

    def held_out(
        self, fitted: Fitted[OutcomePredictor, OutcomePrefixes], split: Split, log: EventLog
    ) -> HeldOut:
        """The prefixes of the test part before the outcome is settled."""
        encoding, algorithm = fitted.encoding, fitted.algorithm
        assert isinstance(encoding, OutcomeEncoding)
        data = encoding.transform(split.test, near_end(log))
        rows = np.flatnonzero(data.is_counted & measured_prefixes(split))
        if len(rows) == 0:
            raise TrainingError(
                "no prefix of the last fifth of the cases has an outcome that is known and not settled yet",
                code="training.outcome",
                hint="name another outcome, or train on a longer log",
            )
        cases = data.case_of_event[rows]
        return HeldOut(
            shares=algorithm.probabilities(data, rows),
            target=data.target[cases],
            cases=cases,
            lengths=data.position[rows] + 1,
            class_names=data.class_names,
            positive=algorithm.positive_class(data.class_names, lambda: encoding.labels(split.train)),
            about=about_split(split),
        )

    def measure(
        self, algorithm: OutcomePredictor, held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """AUC over the prefixes of the test part before the outcome is settled, resampled by case."""
        found = joined_parts(held_out)
        target, shares = found.target, found.shares
        _cases, unit = np.unique(found.cases, return_inverse=True)
        has_both = len(np.unique(target)) > 1
        value_of = macro_auc_over if has_both else squared_error_over
        what = f"outcome by {algorithm.outcome.kind.replace('_', ' ')} '{algorithm.outcome.text}'"
        return Measurement(
            metric="auc" if has_both else "brier-score",
            unit="share",
            higher_is_better=has_both,
            n_units=len(_cases),
            value_of=value_of(target, shares, unit, len(_cases)),
            about=f"{what}, over all prefixes before it is settled"
            + (", mean of each class against the others" if has_both and shares.shape[1] > 2 else "")
            + ("" if has_both else "; the test part has one outcome alone, which leaves nothing to rank")
            + f"; {found.about}",
        )

    def calibrate(self, algorithm: OutcomePredictor, held_out: Sequence[HeldOut]) -> Calibration:
        """Scale and offset by class of the probabilities, their error, AUC by prefix length and earliness."""
        found = joined_parts(held_out)
        scale, offsets = fit_scale(found.shares, found.target, found.cases)
        honest = rescaled(found.shares, scale, offsets)
        of_positive = (honest[:, found.positive], found.target == found.positive, found.cases, found.lengths)
        error = held_out_error(found.shares, found.target, found.cases)
        return {
            "scale": scale,
            "offsets": dict(zip(found.class_names, offsets.tolist(), strict=True)),
            "calibration_error": error if np.isfinite(error) else None,
            "auc_by_prefix_length": by_prefix_length(found.shares, found.target, found.lengths),
            "earliness": earliness(*of_positive),
        }

    def named_columns(self, algorithm: OutcomePredictor) -> tuple[str, ...]:
        """Also what the outcome is read from."""
        return (*super().named_columns(algorithm), *algorithm.outcome.columns)

    def settle(
        self, fitted: Fitted[OutcomePredictor, OutcomePrefixes], data: OutcomePrefixes, log: EventLog
    ) -> Calibration:
        """The classes, their shares of the cases, and the one that is looked for."""
        counts = np.bincount(data.target[data.target != UNKNOWN], minlength=data.n_classes)
        return fitted.calibration | {
            "classes": list(data.class_names),
            "shares": (counts / counts.sum()).tolist(),
            "positive": data.class_names[
                fitted.algorithm.positive_class(data.class_names, lambda: data.target)
            ],
        }

    def remarks(
        self,
        fitted: Fitted[OutcomePredictor, OutcomePrefixes],
        data: OutcomePrefixes,
        log: EventLog,
    ) -> list[str]:
        """How common the outcomes are, what is left out as it tells them, and how early they are told."""
        shares = zip(fitted.calibration["classes"], fitted.calibration["shares"], strict=True)
        found = [f"outcomes: {', '.join(f'{name} {share:.0%}' for name, share in shares)} of the cases"]
        outcome = fitted.algorithm.outcome
        young = int((~outcome.watched(log)).sum())
        if young:
            found.append(
                f"{young:,} of {log.n_cases:,} cases began less than {duration_words(outcome.limit)} before "
                "the log's end and are not learned from: only the short ones of them are known"
            )
        found += [
            f"column '{name}' is left out: it tells the outcome one to one "
            f"(--known-at-start '{name}' keeps it)"
            for name in data.left_out
        ]
        lengths = fitted.calibration["auc_by_prefix_length"]
        if lengths:
            told = ", ".join(f"{one['auc']:.2f} after {one['prefix_length']}" for one in lengths)
            found.append(f"AUC by number of events, on held-out cases: {told}")
        if fitted.calibration["calibration_error"] is not None:
            error = 100 * fitted.calibration["calibration_error"]
            found.append(f"probabilities are off by {error:.1f} points on average, on held-out cases")
        return found

    # --- evaluation

    def evaluation_request(self, algorithm: OutcomePredictor) -> Fields:
        """Of every prefix and class."""
        return {"every_prefix": True, "every_class": True}

    def beside_truth(
        self,
        algorithm: OutcomePredictor,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """Every prefix before its outcome is settled, of cases whose outcome the log, or a label, tells."""
        known = Prefixes(log, labels)
        came, is_counted = outcomes(algorithm.outcome, log, known.running_cases, labels)
        classes = _trained_classes(calibration)
        is_strange = np.array([name is not None and name not in classes for name in came], dtype=np.bool_)
        if labels is not None and is_strange.any():
            name = came[int(np.argmax(is_strange))]
            near = nearest(str(name), classes)
            raise ValidationError(
                f"the labels name an outcome '{name}' that the model does not know",
                hint=f"did you mean '{near}'?" if near else f"it knows: {', '.join(classes)}",
            )
        is_counted &= ~np.repeat(is_strange, log.lengths) & ~table["is_settled"].to_numpy(dtype=bool)
        found = known.beside(table, is_counted, np.repeat(came, log.lengths))
        truth, positive = found.table["truth"], str(calibration.get("positive"))
        is_positive = (truth == positive).to_numpy()
        strange = int(is_strange.sum())
        told = (f"{strange:,} cases have an outcome that training never saw, and do not count",)
        shares = shares_in(found.table["probabilities"], classes)
        came_true = truth.to_numpy(dtype=object)[:, np.newaxis] == np.asarray(classes, dtype=object)
        own = dict(zip(map(class_column, classes), shares.T, strict=True)) if len(classes) > 2 else {}
        return found._replace(
            table=found.table.drop(columns="probabilities").assign(
                is_right=(found.table["outcome"] == truth).to_numpy(),
                is_positive=is_positive,
                squared_error=((shares - came_true) ** 2).sum(axis=1),
                **own,
            ),
            remarks=told if strange else (),
        )

    def qualities(
        self, algorithm: OutcomePredictor, calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """AUC, of several outcomes the mean of each against the others, or Brier's score where one outcome
        alone came true; accuracy, and how honest the probability is.
        """
        classes, squares = _trained_classes(calibration), mean_of("squared_error")
        of_one = Quality(
            "auc",
            "share",
            True,
            auc_of("is_positive", "positive_probability"),
            phrase="AUC {}",
            as_percent=False,
        )
        ranks = macro_auc_of("truth", {name: class_column(name) for name in classes})
        of_all = replace(of_one, over=ranks, phrase="AUC {}, the mean of all outcomes")
        brier = Quality("brier_score", "", False, squares, phrase="Brier's score {}")
        off = calibration_error_of("is_right", "probability")
        aucs = [of_one] if table["is_positive"].nunique() > 1 else []
        if len(classes) > 2 and table["truth"].nunique() > 1:
            aucs = [of_all, *(replace(one, name="positive_auc", phrase="") for one in aucs)]
        return (
            *aucs,
            brier,
            Quality("accuracy", "share", True, mean_of("is_right")),
            Quality("calibration_error", "share", False, off, learned(calibration, "calibration_error")),
        )

    # --- answers

    def predictions(
        self,
        fitted: Fitted[OutcomePredictor, OutcomePrefixes],
        requested: Requested[OutcomePrefixes, OutcomeRequest],
    ) -> Columns:
        """outcome, probability, positive_probability, is_settled."""
        shares = _honest(fitted, requested.data, requested.rows, requested.silent)
        likeliest, names = shares.argmax(axis=1), np.asarray(requested.data.class_names, dtype=object)
        positive = requested.data.class_names.index(fitted.calibration["positive"])
        settled = _settled(fitted.algorithm.outcome, requested.data, requested.rows, requested.silent)
        return {
            "outcome": names[likeliest],
            "probability": shares[np.arange(len(shares)), likeliest],
            "positive_probability": shares[:, positive],
            "is_settled": settled != UNKNOWN,
            **({"probabilities": texts_of(shares, names.tolist())} if requested.request.every_class else {}),
        }

    def prediction_columns(self, request: OutcomeRequest) -> tuple[Column, ...]:
        """The outcome, its probability and that of the one looked for, whether it is settled, and those of
        all outcomes.
        """
        return (
            *columns("text", "outcome"),
            *columns("number", "probability", "positive_probability"),
            *columns("flag", "is_settled"),
            *(columns("text", "probabilities") if request.every_class else ()),
        )

    def strength(
        self,
        fitted: Fitted[OutcomePredictor, OutcomePrefixes],
        requested: Requested[OutcomePrefixes, OutcomeRequest],
        predictions: Columns,
        data: OutcomePrefixes,
        rows: Codes,
    ) -> NDArray[np.float64]:
        """The probability of the outcome that was the likeliest."""
        place = {name: code for code, name in enumerate(requested.data.class_names)}
        classes = np.array([place[name] for name in predictions["outcome"]], dtype=np.int64)
        return _honest(fitted, data, rows, requested.silent)[np.arange(len(rows)), classes]

    def say_change(self, change: float) -> str:
        """Percentage points."""
        return f"{100 * change:+.1f} points"

    def notes(
        self,
        algorithm: OutcomePredictor,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        request: OutcomeRequest,
    ) -> list[str]:
        """Also whose probability `positive_probability` is."""
        positive = calibration.get("positive")
        about = [f"positive_probability is that of '{positive}'"] if positive else []
        return [*super().notes(algorithm, calibration, log, table, request), *about]

    def units(self, algorithm: OutcomePredictor) -> dict[str, str]:
        """Probabilities are shares."""
        return super().units(algorithm) | {"probability": "share", "positive_probability": "share"}


@dataclass(kw_only=True)
class OutcomePredictor(Algorithm[OutcomePrefixes]):
    """An algorithm of the task outcome: its parameters define the outcome, and it gives probabilities."""

    task: ClassVar[OutcomeTask] = OutcomeTask()

    split: SplitChoice = "temporal"
    label_column: Annotated[
        str | None,
        Param("Column that names each case's outcome.", has_option=True, metavar="COLUMN"),
    ] = None
    outcome_activity: Annotated[
        str | None,
        Param("The outcome: whether this activity will occur.", has_option=True, metavar="NAME"),
    ] = None
    slower_than: Annotated[
        str | None,
        Param(
            "The outcome: whether a case takes longer than this, such as 30d.",
            has_option=True,
            metavar="TIME",
        ),
    ] = None
    rule: Annotated[
        str | None,
        Param(
            "The outcome: whether this will be true, such as count('Repair') > 2.",
            has_option=True,
            metavar="RULE",
        ),
    ] = None
    positive: Annotated[
        str | None,
        Param("The outcome to watch for; none: the rarer one.", has_option=True, metavar="OUTCOME"),
    ] = None
    attributes: Attributes = None

    def __post_init__(self) -> None:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in SOURCES)
            found = " and ".join(f"--{name.replace('_', '-')}" for name in given) or "none"
            raise ValidationError(
                f"the task outcome needs exactly one definition of the outcome, but got {found}",
                hint=f"give exactly one of {options}",
                context={"parameter": given[0] if given else SOURCES[0], "given": given},
            )
        self.outcome = OutcomeSource(given[0], getattr(self, given[0]))
        self.check_positive(self.outcome.class_names)
        self.make_encoding()  # refuses attributes that tell the outcome

    @final
    def check_positive(self, class_names: tuple[str, ...] | None) -> None:
        """Raises ValidationError when `positive` is none of these."""
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
        return OutcomeEncoding(self.outcome, self.attributes)

    @final
    def positive_class(self, class_names: tuple[str, ...], labels: Callable[[], Codes]) -> int:
        """The class to look for: the named one, else the one that the rule or activity describes, else the
        rarest label of the training cases.
        """
        if self.positive in class_names:
            return class_names.index(self.positive)
        if self.outcome.class_names is not None:
            return 1
        found = labels()
        return int(np.bincount(found[found != UNKNOWN], minlength=len(class_names)).argmin())

    @abstractmethod
    def probabilities(self, data: OutcomePrefixes, rows: Codes) -> Floats:
        """(rows, classes): of each of these prefixes (events that end them, ascending); rows sum to 1.

        A row depends on the events of its case up to that one alone.
        """


def _trained_classes(calibration: Calibration) -> list[str]:
    """The outcomes that the model knows, as its calibration names them."""
    found = calibration.get("classes")
    return [str(name) for name in found] if isinstance(found, list) else []


def joined_parts(held_out: Sequence[HeldOut]) -> HeldOut:
    """The tables of several cuts as one. The classes are those of the last cut: rows of a class that it lacks
    are left out.
    """
    last = held_out[-1]
    place = {name: code for code, name in enumerate(last.class_names)}
    return pooled([_in_classes(one, place) for one in held_out], ("shares", "target", "lengths"))


def _in_classes(one: HeldOut, place: Mapping[str, int]) -> HeldOut:
    """The same in other classes, by name to code, without the rows of a class that is not among them."""
    if one.class_names == tuple(place):
        return one
    known = np.array([place.get(name, UNKNOWN) for name in one.class_names])
    kept = np.flatnonzero(known[one.target] != UNKNOWN)
    shares = np.zeros((len(one.target), len(place)))
    shares[:, known[known != UNKNOWN]] = one.shares[:, known != UNKNOWN]
    return one._replace(
        shares=shares[kept], target=known[one.target[kept]], cases=one.cases[kept], lengths=one.lengths[kept]
    )


def _refuse_few(algorithm: OutcomePredictor, data: OutcomePrefixes, samples: int) -> None:
    """TrainingError where a longer log of the same kind would have too few samples as well."""
    known = int((data.target != UNKNOWN).sum())
    at_once = int((data.settled[data.offsets[:-1]] != UNKNOWN).sum())
    source, context = algorithm.outcome, {"samples": samples, "minimum": algorithm.task.minimum_samples}
    if source.kind == "label_column" and known < data.n_cases:
        raise TrainingError(
            f"column '{source.text}' names the outcome of {known:,} of {data.n_cases:,} cases, but at "
            f"least {algorithm.task.minimum_samples} are needed",
            code="training.outcome",
            hint="name another column with --label-column, or fill in how more cases ended",
            context=context | {"column": source.text},
        )
    if at_once and known >= algorithm.task.minimum_samples:
        raise TrainingError(
            f"{at_once:,} of {data.n_cases:,} cases have their outcome settled by their first event, so "
            "nothing is left to predict",
            code="training.outcome",
            hint="name an outcome that is decided later: another activity, or a rule about what follows",
            context=context,
        )


def _settled(outcome: OutcomeSource, data: OutcomePrefixes, rows: Codes, silent: Floats) -> Codes:
    """The classes that are settled, (rows,): a running case also by the time for which it goes on."""
    settled = data.settled[rows]
    if outcome.kind != "slower_than" or data.micros is None:
        return settled
    so_far = (data.micros[rows] - data.starts[data.case_of_event[rows]]) / 1e6
    return np.where(so_far + silent > outcome.limit, 1, settled)


def _honest(
    fitted: Fitted[OutcomePredictor, OutcomePrefixes],
    data: OutcomePrefixes,
    rows: Codes,
    silent: NDArray[np.float64],
) -> Floats:
    """Rescaled probabilities; 1 for what is settled."""
    known = fitted.calibration
    offsets = np.array([known["offsets"].get(name, 0.0) for name in data.class_names])
    shares = rescaled(fitted.algorithm.probabilities(data, rows), known["scale"], offsets)
    settled = _settled(fitted.algorithm.outcome, data, rows, silent)
    certain = np.eye(data.n_classes)[np.maximum(settled, 0)]
    return np.where((settled != UNKNOWN)[:, None], certain, shares)
