"""Local outlier factor: cases lonelier than the cases most like them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._distance import nearest_few
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._profile import ProfileDetector
from pmlcli.encoding.features import CaseFeatures

MAXIMUM_POINTS = 10_000
"""More training cases than this are sampled: the work grows with their square."""
MOST_NEIGHBORS = 0.5
"""Never more neighbours than this share of the training cases, or nothing would be local."""
NARROWEST = 0.5
"""No neighbourhood is narrower than that of this share of the training cases: among many equal cases a hair's
breadth is not lonely."""


@dataclass(kw_only=True)
class LocalOutlierFactorDetector(ProfileDetector):
    """Compares how far a case is from its nearest training cases with how far those are from theirs. The
    score is the ratio: about 1 among its like, whether they stand dense or loose; above it, lonelier than
    the cases most like it.
    """

    neighbors: Annotated[int, Param("Training cases that a case is compared with.", ge=1, le=1000)] = 40

    source: ClassVar[str] = (
        "Breunig, Kriegel, Ng, Sander: LOF, identifying density-based local outliers. SIGMOD 2000"
    )

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
        # What each training case would score if it were new; scored now, it would be its own neighbour.
        scores = self.density_[which].mean(axis=1) / self.density_
        self.neighbors_ = k
        self.border_ = float(np.quantile(scores, 1 - self.contamination))

    def _density(self, distances: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
        """One over the mean distance to the neighbours, each at least as far as its own neighbours reach."""
        return np.asarray(1 / np.maximum(distances, self.reach_[which]).mean(axis=1))

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """Mean density of the neighbours over the case's own, (cases,)."""
        distances, which = nearest_few(data.matrix, self.points_, self.neighbors_)
        return np.asarray(self.density_[which].mean(axis=1) / self._density(distances, which))

    def settle(self, data: Any) -> None:
        """Sets the threshold that `fit` found among the training cases, none of them its own neighbour."""
        self.calibration_["threshold"] = self.border_


def _without_itself(
    distances: NDArray[np.float64], which: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The neighbours of each point (in order of points) but itself; among more equal points, but the last."""
    own = which == np.arange(len(which))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(which), which.shape[1] - 1)
    return distances[~own].reshape(shape), which[~own].reshape(shape)
