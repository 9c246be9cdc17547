"""Isolation forest: cases that a few random questions set apart from all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from pmlcli.algorithms._param import Param
from pmlcli.algorithms._profile import ProfileDetector
from pmlcli.encoding.features import CaseFeatures


@dataclass(kw_only=True)
class IsolationForestDetector(ProfileDetector):
    """Asks random yes-or-no questions about a case's profile ("more than two payments?", "longer than 9
    days?") until it stands alone. An ordinary case needs many questions, an odd one few: the fewer on average
    over the trees, the higher the score (0.5 is ordinary, towards 1 is odd).
    """

    n_estimators: Annotated[int, Param("Number of trees.", ge=1, le=10000)] = 200
    max_samples: Annotated[int, Param("Training cases that each tree sees.", ge=2)] = 256

    source: ClassVar[str] = "Liu, Ting, Zhou: Isolation Forest. ICDM 2008"
    container: ClassVar[str] = "sklearn"
    estimator_class: ClassVar[str | None] = "sklearn.ensemble._iforest.IsolationForest"
    allowed_globals: ClassVar[frozenset[str]] = frozenset(
        {
            "sklearn.ensemble._iforest.IsolationForest",
            "sklearn.tree._classes.ExtraTreeRegressor",
            "sklearn.tree._tree.Tree",
        }
    )

    def fit(self, data: CaseFeatures) -> None:
        """Grows the trees."""
        self.estimator_ = IsolationForest(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, data.n_cases),
            random_state=self.seed,
        ).fit(data.matrix)

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """How few questions set each case apart, (cases,), between 0 and 1."""
        return -np.asarray(self.estimator_.score_samples(data.matrix), dtype=np.float64)
