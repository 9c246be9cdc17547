"""Variant frequency: the rarer a case's exact sequence of activities, the odder the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._anomaly import AnomalyDetector
from pmlcli.encoding.traces import TraceEncoding, Traces
from pmlcli.encoding.vocabulary import UNSEEN_CODE


@dataclass(kw_only=True)
class VariantFrequency(AnomalyDetector):
    """Counts how often each sequence of activities occurred in training. The score is the surprise,
    -log of its share, highest for sequences that never occurred. The baseline: whatever is more elaborate
    has to do better than this.
    """

    source: ClassVar[str] = (
        "Bezerra, Wainer: Algorithms for anomaly detection of traces. Inf. Syst. 38 (2013)"
    )

    def make_encoding(self) -> TraceEncoding:
        """Traces and their variants."""
        return TraceEncoding()

    def fit(self, data: Traces) -> None:
        """Counts variants, and the steps inside traces for the reasons."""
        self.counts_ = np.bincount(data.variants, minlength=data.n_variants)
        self.steps_, self.step_counts_ = np.unique(_steps(data)[1], return_counts=True)

    def score(self, data: Traces) -> NDArray[np.float64]:
        """-log((count + 1/2) / (training cases + 1)) of each case's variant, (cases,)."""
        return self._surprise(self._counts(data))

    def settle(self, data: Traces) -> None:
        """Sets the threshold from the scores that training cases would have had, had they been new.

        Otherwise every new case of a log in which most variants occur once would be flagged.
        """
        scores = self._surprise(self._counts(data) - 1)
        self.calibration_["threshold"] = float(np.quantile(scores, 1 - self.contamination))

    def _surprise(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(np.log(self.counts_.sum() + 1) - np.log(counts + 0.5))

    def _counts(self, data: Traces) -> NDArray[np.int64]:
        # Position -1, the unseen variant, takes the zero at the end.
        return np.append(self.counts_, 0)[data.variants]

    def reasons(self, data: Traces, flagged: NDArray[np.int64]) -> list[str]:
        """How often the variant occurred, and the rarest step in it."""
        cases, steps = _steps(data)
        at = np.minimum(np.searchsorted(self.steps_, steps), len(self.steps_) - 1)
        often = (
            np.where(self.steps_[at] == steps, self.step_counts_[at], 0) if len(self.steps_) else 0 * steps
        )
        rarest_first = np.lexsort((often, cases))
        with_steps, first = np.unique(cases[rarest_first], return_index=True)
        rarest = dict(zip(with_steps.tolist(), rarest_first[first].tolist(), strict=True))
        counts, total = self._counts(data), int(self.counts_.sum())
        return [
            f"this sequence of activities occurred {counts[case]:,} of {total:,} times"
            + (_words(data, int(steps[rarest[case]]), int(often[rarest[case]])) if case in rarest else "")
            for case in flagged.tolist()
        ]


def _steps(data: Traces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The case of each directly-follows step, and one number for its two activities."""
    cases = np.repeat(np.arange(data.n_cases), np.diff(data.offsets))
    inside = np.flatnonzero(cases[1:] == cases[:-1])
    return cases[inside], data.codes[inside] * data.vocabulary.size + data.codes[inside + 1]


def _words(data: Traces, step: int, times: int) -> str:
    first, second = divmod(step, data.vocabulary.size)
    if UNSEEN_CODE in (first, second):
        return "; it holds an activity never seen before"
    names = f"`{data.vocabulary.name_of(first)}` to `{data.vocabulary.name_of(second)}`"
    return f"; its rarest step, {names}, {times:,} times"
