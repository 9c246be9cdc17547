"""Local outlier factor: flags cases in a sparser region than their nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._distance import nearest_few
from pmlcli.algorithms.anomaly._profiles import (
    CategoricalFeatures,
    NumericalFeatures,
    UseNormalization,
    profile_encoding,
    profile_reasons,
)
from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.arrays import Codes
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureExtractor

MAXIMUM_POINTS = 10_000
"""More training cases than this are sampled: the work grows with their square."""
MOST_NEIGHBORS = 0.5
"""Never more neighbours than this share of the training cases, or nothing would be local."""
NARROWEST = 0.5
"""No neighbourhood is narrower than that of this share of the training cases: among many equal cases a hair's
breadth is not lonely."""


@dataclass(kw_only=True)
class LocalOutlierFactorDetector(AnomalyDetector[CaseFeatures]):
    """Compares how far a case is from its nearest training cases with how far those are from theirs. The
    score is the ratio: about 1 among similar cases, in dense and in sparse regions; above 1 if the case is
    further from its neighbours than they are from theirs.
    """

    numerical_features: NumericalFeatures = ()
    categorical_features: CategoricalFeatures = ()
    use_normalization: UseNormalization = True
    neighbors: Annotated[
        int, Param("Number of nearest training cases to compare a case with.", ge=1, le=1000)
    ] = 40

    source: ClassVar[str] = (
        "Breunig, Kriegel, Ng, Sander: LOF, identifying density-based local outliers. SIGMOD 2000"
    )

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return profile_encoding(self)

    def fit(self, data: CaseFeatures) -> None:
        """Keeps the training cases, and for each how far its neighbours reach and how dense it stands."""
        points = data.matrix
        if len(points) > MAXIMUM_POINTS:
            rng = np.random.Generator(np.random.PCG64(self.seed))
            points = points[np.sort(rng.choice(len(points), MAXIMUM_POINTS, replace=False))]
        self.points_ = points
        k = max(min(self.neighbors, int(len(points) * MOST_NEIGHBORS)), 1)
        distances, which = _without_itself(*nearest_few(points, points, k + 1))
        reach = distances[:, -1]
        narrowest = float(np.quantile(reach, NARROWEST)) or float(reach.mean()) or 1.0
        self.reach_ = np.maximum(reach, narrowest)
        self.density_ = self._density(distances, which)
        self.neighbors_ = k

    def _density(self, distances: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
        """One over the mean distance to the neighbours, each at least as far as its own neighbours reach."""
        return np.asarray(1 / np.maximum(distances, self.reach_[which]).mean(axis=1))

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """Mean density of the neighbours over the case's own, (cases,)."""
        distances, which = nearest_few(data.matrix, self.points_, self.neighbors_)
        return np.asarray(self.density_[which].mean(axis=1) / self._density(distances, which))

    def reasons(self, data: CaseFeatures, flagged: Codes) -> list[str]:
        """The one unusual feature of each whose return to its typical value lowers the score most."""
        return profile_reasons(self.score, data, flagged)

    def training_scores(self, data: CaseFeatures) -> NDArray[np.float64]:
        """The same for the training cases, none of them its own neighbour, (cases,)."""
        distances, which = _without_itself(*nearest_few(data.matrix, self.points_, self.neighbors_ + 1))
        return np.asarray(self.density_[which].mean(axis=1) / self._density(distances, which))


def _without_itself(
    distances: NDArray[np.float64], which: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All but the nearest where that is at no distance (the case itself, or its like), else but the last."""
    gone = np.where(distances[:, 0] == 0, 0, distances.shape[1] - 1)
    kept = np.arange(distances.shape[1]) != gone[:, None]
    shape = (len(distances), distances.shape[1] - 1)
    return distances[kept].reshape(shape), which[kept].reshape(shape)
