"""Variant frequency: flags cases with a rare sequence of activities (baseline)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.encoding.events.traces import TraceEncoding, Traces
from pmlcli.encoding.vocabulary import UNSEEN_CODE


@dataclass(kw_only=True)
class VariantFrequency(AnomalyDetector[Traces]):
    """Counts how often each sequence of activities occurred in training. The score is -log of its share,
    highest for sequences that never occurred; among equally frequent ones it is higher the rarer their steps
    are. Every count is taken as one less than it is, so that a training case scores as if it had been left
    out. This is the baseline: other detectors should do better.
    """

    source: ClassVar[str] = (
        "Bezerra, Wainer: Algorithms for anomaly detection of traces. Inf. Syst. 38 (2013)"
    )

    def make_encoding(self) -> TraceEncoding:
        """Traces and their variants."""
        return TraceEncoding()

    def fit(self, data: Traces) -> None:
        """Counts variants, and the steps inside traces."""
        self.counts_ = np.bincount(data.variants, minlength=data.n_variants)
        self.steps_, self.step_counts_ = np.unique(_steps(data)[1], return_counts=True)

    def score(self, data: Traces) -> NDArray[np.float64]:
        """-log((count - 1 + doubt) / (training cases + 1)) of each case's variant, (cases,).

        The doubt, for what never occurred is not impossible, is a half where all steps are common, down to a
        quarter where none was seen: a variant that occurred once more always scores lower.
        """
        cases, steps = _steps(data)
        rarity = np.bincount(
            cases, weights=1 / (_others(self._step_counts(steps)) + 1), minlength=data.n_cases
        )
        doubt = 0.5 - 0.25 * rarity / np.maximum(np.diff(data.offsets) - 1, 1)
        return np.asarray(np.log(self.counts_.sum() + 1) - np.log(_others(self._counts(data)) + doubt))

    def _counts(self, data: Traces) -> NDArray[np.int64]:
        # Position -1, the unseen variant, takes the zero at the end.
        return np.append(self.counts_, 0)[data.variants]

    def _step_counts(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(self.steps_):
            return np.zeros(len(steps), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.steps_, steps), len(self.steps_) - 1)
        return np.where(self.steps_[at] == steps, self.step_counts_[at], 0)

    def reasons(self, data: Traces, flagged: NDArray[np.int64]) -> list[str]:
        """How often the variant occurred, and the rarest step in it."""
        cases, steps = _steps(data)
        often = self._step_counts(steps)
        rarest_first = np.lexsort((often, cases))
        with_steps, first = np.unique(cases[rarest_first], return_index=True)
        rarest = dict(zip(with_steps.tolist(), rarest_first[first].tolist(), strict=True))
        counts, total = self._counts(data), int(self.counts_.sum())
        return [
            f"this sequence of activities occurred {counts[case]:,} of {total:,} times"
            + (_words(data, rarest[case] + case, int(often[rarest[case]])) if case in rarest else "")
            for case in flagged.tolist()
        ]


def _others(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.maximum(counts - 1, 0)


def _steps(data: Traces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The case of each directly-follows step, and one number for its two activities.

    Step i, in case j, leads from event i + j to the next: every case before has one step less than events.
    """
    cases = np.repeat(np.arange(data.n_cases), np.diff(data.offsets))
    inside = np.flatnonzero(cases[1:] == cases[:-1])
    return cases[inside], data.codes[inside] * data.vocabulary.size + data.codes[inside + 1]


def _words(data: Traces, event: int, times: int) -> str:
    names = [f"`{data.texts.of(one)}`" for one in (event, event + 1)]
    for name, code in zip(names, data.codes[event : event + 2].tolist(), strict=True):
        if code == UNSEEN_CODE:
            return f"; it holds {name}, never seen before"
    return f"; its rarest step, {names[0]} to {names[1]}, {times:,} times"
