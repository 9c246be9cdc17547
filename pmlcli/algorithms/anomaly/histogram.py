"""Histograms (HBOS): flags cases with rare values in their profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._profiles import (
    CategoricalFeatures,
    NumericalFeatures,
    UseNormalization,
    profile_encoding,
)
from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.arrays import Codes
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureExtractor

DOUBT = 0.5
"""Added to the count of every bin: what never happened is not impossible."""


@dataclass(kw_only=True)
class HistogramDetector(AnomalyDetector[CaseFeatures]):
    """Counts for every feature of a case's profile how many training cases had about the same value. A value
    scores higher the rarer it is compared with the most common one (logarithm of the ratio). The score is the
    sum over the most anomalous features of the case; the first of them is the reason.

    The paper sums over all features. In a profile that favours long cases, which are a little unusual in many
    features; a mistake in one place shows in few.
    """

    numerical_features: NumericalFeatures = ()
    categorical_features: CategoricalFeatures = ()
    use_normalization: UseNormalization = True
    bins: Annotated[int, Param("Number of bins of a feature with many values.", ge=2, le=1000)] = 10
    oddest: Annotated[int, Param("How many features of a case count, the most anomalous first.", ge=1)] = 2

    source: ClassVar[str] = "Goldstein, Dengel: Histogram-based outlier score (HBOS). KI 2012"

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return profile_encoding(self)

    def fit(self, data: CaseFeatures) -> None:
        """Draws one histogram a feature, with a bin for what lies below and one for what lies above."""
        matrix = np.ascontiguousarray(data.matrix.T)
        self.edges_ = np.full((len(matrix), self.bins + 1), np.inf)
        for row, values in zip(self.edges_, matrix, strict=True):
            edges = _edges(np.unique(values), self.bins)
            row[: len(edges)] = edges
        self.counts_ = np.zeros((len(matrix), self.bins + 2), dtype=np.int64)
        places = self._places(data)
        for row, place in zip(self.counts_, places.T, strict=True):
            row += np.bincount(place, minlength=self.bins + 2)

    def _places(self, data: CaseFeatures) -> NDArray[np.int64]:
        """The bin of each value, (cases, columns)."""
        found = [
            np.searchsorted(edges, values) for edges, values in zip(self.edges_, data.matrix.T, strict=True)
        ]
        return np.column_stack(found)

    def rarity(self, data: CaseFeatures, own: int = 0) -> NDArray[np.float64]:
        """How odd each feature of each case is, (cases, columns), with `own` equal training cases fewer."""
        counts = self.counts_[np.arange(len(self.counts_)), self._places(data)] - own
        return np.asarray(np.log(self.counts_.max(axis=1) + DOUBT) - np.log(np.maximum(counts, 0) + DOUBT))

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """Sum over the oddest features, (cases,)."""
        return self._sum(self.rarity(data))

    def training_scores(self, data: CaseFeatures) -> NDArray[np.float64]:
        """Sum over the oddest features, the case taken out of the counts, (cases,)."""
        return self._sum(self.rarity(data, own=1))

    def _sum(self, rarity: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sort(rarity, axis=1)[:, -self.oddest :].sum(axis=1))

    def reasons(self, data: CaseFeatures, flagged: Codes) -> list[str]:
        """The oddest features, those that count."""
        rarity = self.rarity(data.with_matrix(data.matrix[flagged]))
        oddest = np.argsort(-rarity, axis=1, kind="stable")[:, : self.oddest]
        return [
            "; ".join(data.sentence(case, c) for c in columns if rare[c] > 0)
            for case, columns, rare in zip(flagged.tolist(), oddest.tolist(), rarity, strict=True)
        ]


def _edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Borders of the bins of a feature with these distinct values: one bin a value while they are few, else
    bins of equal width; what lies outside all of them has a bin at either end.
    """
    if len(values) > bins:
        return np.linspace(values[0], values[-1], bins + 1)
    half = np.diff(values).min(initial=1.0) / 2
    return np.concatenate([[values[0] - half], (values[1:] + values[:-1]) / 2, [values[-1] + half]])
