"""DBSCAN: flags cases that are far from every dense group of training cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._distance import kth_distances, nearest, nearest_few
from pmlcli.algorithms.anomaly._profiles import (
    CategoricalFeatures,
    NumericalFeatures,
    UseNormalization,
    profile_encoding,
    profile_reasons,
)
from pmlcli.algorithms.anomaly._task import AUTO, AnomalyDetector
from pmlcli.arrays import Codes
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureExtractor

MAXIMUM_POINTS = 10_000
"""More training cases than this are sampled: the work grows with their square."""
NOT_CORE = 0.3
"""So many training cases at most are no core where `contamination` is estimated: it may be that large."""
SMALLEST_EPS = 1e-4
"""Below this a distance is rounding; identical cases are at distance zero."""


@dataclass(kw_only=True)
class DensityDetector(AnomalyDetector[CaseFeatures]):
    """A training case is a core case if enough others are within the distance eps of it. A case, old or new,
    is flagged if no core case is within eps: DBSCAN calls this noise. The score is the distance to the
    nearest core case divided by eps, so 1 is the border.
    """

    numerical_features: NumericalFeatures = ()
    categorical_features: CategoricalFeatures = ()
    use_normalization: UseNormalization = True
    eps: Annotated[
        float | None,
        Param(
            "Largest distance of neighbours; none: chosen so that `contamination` (auto: 0.3) are not core.",
            gt=0,
        ),
    ] = None
    min_samples: Annotated[
        int, Param("A core case has at least this many cases within eps, itself included.", ge=1)
    ] = 5

    source: ClassVar[str] = "Ester, Kriegel, Sander, Xu: A density-based algorithm (DBSCAN). KDD 1996"

    @property
    def border(self) -> float | None:
        """The distance eps, which was given or which `contamination` has already chosen: a quantile of the
        training scores would be near zero, since a core case's nearest is itself. None where the share is
        estimated.
        """
        return 1.0 if self.eps is not None or self.contamination != AUTO else None

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return profile_encoding(self)

    def fit(self, data: CaseFeatures) -> None:
        """Finds eps (the quantile of the distances to the `min_samples`-th neighbour) and the core cases."""
        points = data.matrix
        if len(points) > MAXIMUM_POINTS:
            rng = np.random.Generator(np.random.PCG64(self.seed))
            points = points[np.sort(rng.choice(len(points), MAXIMUM_POINTS, replace=False))]
        distances = kth_distances(points, min(self.min_samples, len(points)))
        self.eps_ = self.eps or self._chosen_eps(distances)
        is_core = distances <= max(self.eps_, distances.min())
        self.core_ = np.unique(points[is_core], axis=0)

    def _chosen_eps(self, distances: NDArray[np.float64]) -> float:
        """The share of noise decides, as the paper proposes; never zero, however many cases are equal."""
        share = NOT_CORE if isinstance(self.contamination, str) else self.contamination
        chosen = float(np.quantile(distances, 1 - share))
        if chosen >= SMALLEST_EPS:
            return chosen
        apart = distances[distances >= SMALLEST_EPS]
        return float(apart.min()) if len(apart) else 1.0

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """Distance to the nearest core case over eps, (cases,)."""
        return np.asarray(nearest(data.matrix, self.core_) / self.eps_)

    def training_scores(self, data: CaseFeatures) -> NDArray[np.float64]:
        """The same, none of the training cases its own core case, (cases,)."""
        _points, which, counts = np.unique(data.matrix, axis=0, return_inverse=True, return_counts=True)
        distances, _cores = nearest_few(data.matrix, self.core_, min(2, len(self.core_)))
        is_own = (distances[:, 0] == 0) & (counts[which.reshape(-1)] == 1)
        return np.asarray(np.where(is_own, distances[:, -1], distances[:, 0]) / self.eps_)

    def reasons(self, data: CaseFeatures, flagged: Codes) -> list[str]:
        """The one unusual feature of each whose return to its typical value lowers the score most."""
        return profile_reasons(self.score, data, flagged)
