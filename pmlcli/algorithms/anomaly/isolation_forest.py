"""Isolation forest: flags cases that few random splits separate from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import Estimators
from pmlcli.algorithms.anomaly._distance import projections
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

BLUR = 0.1
"""Noise that training gets, in spreads of a feature: trees never ask about what did not vary at all, and so
could not see a case that is the first to differ there."""


@dataclass(kw_only=True)
class IsolationForestDetector(AnomalyDetector[CaseFeatures]):
    """Splits the case profiles at random until each case is alone. A usual case needs many splits, an
    anomalous one few: the fewer on average over the trees, the higher the score (about 0.4 is usual, near 1
    is anomalous).

    Each split is on a random mixture of features, not on one ("Extended Isolation Forest"): a profile has
    many features that hardly ever vary, and a split on one of them says little.
    """

    numerical_features: NumericalFeatures = ()
    categorical_features: CategoricalFeatures = ()
    use_normalization: UseNormalization = True
    n_estimators: Estimators = 200
    directions: Annotated[
        int, Param("Number of random mixtures of features to split on; 0: single features.", ge=0, le=10000)
    ] = 64
    max_samples: Annotated[int, Param("Number of training cases for each tree.", ge=2)] = 256

    source: ClassVar[str] = (
        "Liu, Ting, Zhou: Isolation Forest. ICDM 2008; "
        "Hariri, Kind, Brunner: Extended Isolation Forest. IEEE TKDE 33 (2021)"
    )
    container: ClassVar[str] = "sklearn"
    estimator_class: ClassVar[str | None] = "sklearn.ensemble._iforest.IsolationForest"
    allowed_globals: ClassVar[frozenset[str]] = frozenset(
        {
            "sklearn.ensemble._iforest.IsolationForest",
            "sklearn.tree._classes.ExtraTreeRegressor",
            "sklearn.tree._tree.Tree",
        }
    )

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return profile_encoding(self)

    def fit(self, data: CaseFeatures) -> None:
        """Draws the mixtures and grows the trees."""
        rng = np.random.Generator(np.random.PCG64(self.seed))
        self.directions_ = rng.normal(size=(self.directions, len(data.columns)))
        self.estimator_ = IsolationForest(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, data.n_cases),
            random_state=self.seed,
        ).fit(_blurred(self._view(data), rng))

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """How few questions set each case apart, (cases,), between 0 and 1."""
        return -np.asarray(self.estimator_.score_samples(self._view(data)), dtype=np.float64)

    def reasons(self, data: CaseFeatures, flagged: Codes) -> list[str]:
        """The one unusual feature of each whose return to its typical value lowers the score most."""
        return profile_reasons(self.score, data, flagged)

    def _view(self, data: CaseFeatures) -> NDArray[np.float64]:
        """What the questions are about, (cases, mixtures) or (cases, features)."""
        return projections(data.matrix, self.directions_) if len(self.directions_) else data.matrix


def _blurred(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return view + rng.normal(scale=BLUR, size=view.shape)
