"""What detectors on case profiles share: which columns go in, and reasons by replacing what is unusual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureConfig, FeatureExtractor

CANDIDATES = 10
"""Features tried for a reason, the most unusual first."""


@dataclass(kw_only=True)
class ProfileDetector(AnomalyDetector):
    """Scores case profiles: counts of activities, of what follows what, of resources; times where the log has
    them; further columns by name.
    """

    numerical_features: Annotated[
        tuple[str, ...], Param("Columns of numbers to look at as well (never one that holds the label).")
    ] = ()
    categorical_features: Annotated[
        tuple[str, ...], Param("Columns of categories to look at as well (never one that holds the label).")
    ] = ()
    use_normalization: Annotated[
        bool, Param("Centre every feature and divide it by its spread, both learned in training.")
    ] = True

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return FeatureExtractor(
            FeatureConfig(
                numerical_features=self.numerical_features,
                categorical_features=self.categorical_features,
                use_normalization=self.use_normalization,
            )
        )

    def reasons(self, data: CaseFeatures, flagged: NDArray[np.int64]) -> list[str]:
        """The one unusual feature of each case whose return to its typical value lowers the score most."""
        unusual = np.abs(data.matrix[flagged] - data.typical) / data.spread
        candidates = np.argsort(-unusual, axis=1, kind="stable")[:, :CANDIDATES]
        mended = np.repeat(data.matrix[flagged], candidates.shape[1], axis=0)
        rows = np.arange(len(mended))
        mended[rows, candidates.reshape(-1)] = data.typical[candidates.reshape(-1)]
        scores = self.score(data.with_matrix(mended)).reshape(candidates.shape)
        # A feature that is typical already changes nothing and is no reason.
        is_unusual = np.take_along_axis(unusual, candidates, axis=1) > 0
        best = np.where(is_unusual, scores, np.inf).argmin(axis=1)
        chosen = candidates[np.arange(len(flagged)), best]
        has_reason = np.asarray(is_unusual.any(axis=1))
        return [
            data.sentence(int(case), int(column)) if some else "every feature is typical, their sum is not"
            for case, column, some in zip(flagged, chosen, has_reason, strict=True)
        ]
