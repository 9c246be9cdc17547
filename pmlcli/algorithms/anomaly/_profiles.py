"""What detectors on case profiles share: which columns go in, and reasons by replacing what is unusual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Protocol

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureConfig, FeatureExtractor

CANDIDATES = 10
"""Features tried for a reason, the most unusual first."""

NumericalFeatures = Annotated[tuple[str, ...], Param("Columns of numbers to use as well (never the label).")]
CategoricalFeatures = Annotated[
    tuple[str, ...], Param("Columns of categories to use as well (never the label).")
]
UseNormalization = Annotated[
    bool, Param("Centre every feature and divide it by its spread, both learned in training.")
]


class LooksAtProfiles(Protocol):
    """The parameters of a detector that looks at case profiles: counts of activities, of what follows what,
    of resources; times where the log has them; further columns by name.
    """

    numerical_features: NumericalFeatures
    categorical_features: CategoricalFeatures
    use_normalization: UseNormalization


def profile_encoding(detector: LooksAtProfiles) -> FeatureExtractor:
    """The unfitted encoding that these parameters name."""
    return FeatureExtractor(
        FeatureConfig(
            numerical_features=detector.numerical_features,
            categorical_features=detector.categorical_features,
            use_normalization=detector.use_normalization,
        )
    )


def profile_reasons(score: Callable[[CaseFeatures], Floats], data: CaseFeatures, flagged: Codes) -> list[str]:
    """The one unusual feature of each case whose return to its typical value lowers the score most."""
    unusual = np.abs(data.matrix[flagged] - data.typical) / data.spread
    candidates = np.argsort(-unusual, axis=1, kind="stable")[:, :CANDIDATES]
    mended = np.repeat(data.matrix[flagged], candidates.shape[1], axis=0)
    rows = np.arange(len(mended))
    mended[rows, candidates.reshape(-1)] = data.typical[candidates.reshape(-1)]
    scores = score(data.with_matrix(mended)).reshape(candidates.shape)
    # A feature that is typical already changes nothing and is no reason.
    is_unusual = np.take_along_axis(unusual, candidates, axis=1) > 0
    best = np.where(is_unusual, scores, np.inf).argmin(axis=1)
    chosen = candidates[np.arange(len(flagged)), best]
    has_reason = np.asarray(is_unusual.any(axis=1))
    return [
        data.sentence(int(case), int(column)) if some else "every feature is typical, their sum is not"
        for case, column, some in zip(flagged, chosen, has_reason, strict=True)
    ]
