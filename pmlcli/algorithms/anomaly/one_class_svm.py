"""One-class SVM: flags cases outside a smooth border around the training cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.svm import OneClassSVM

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._distance import kernel_sums
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

OUTSIDE = 0.05
"""So many training cases are left outside where `contamination` is estimated."""
EXACT_BELOW = 20_000
LANDMARKS = 300
BREADTH = 0.1
"""A tenth of the usual sharpness, with which each training outlier gets a border of its own and scores as
ordinary (on synthetic logs it flagged up to a third of the held-out cases; a tenth flags what it should)."""


@dataclass(kw_only=True)
class OneClassSvmDetector(AnomalyDetector[CaseFeatures]):
    """Finds the tightest smooth border that leaves about a share nu of the training cases outside. The score
    is how far outside the border a case is (negative: inside). From 20,000 training cases on, the border is
    approximated with 300 landmark cases.
    """

    numerical_features: NumericalFeatures = ()
    categorical_features: CategoricalFeatures = ()
    use_normalization: UseNormalization = True
    nu: Annotated[
        float | None,
        Param("Share of training cases left outside; none: `contamination` (auto: 0.05).", gt=0, le=1),
    ] = None
    gamma: Annotated[
        float | None,
        Param(
            "Kernel coefficient; a larger one fits the cases more closely; none: 0.1 / (columns x variance).",
            gt=0,
        ),
    ] = None

    source: ClassVar[str] = (
        "Schoelkopf et al.: Estimating the support of a high-dimensional distribution. 2001"
    )

    def make_encoding(self) -> FeatureExtractor:
        """Case profiles."""
        return profile_encoding(self)

    def fit(self, data: CaseFeatures) -> None:
        """Draws the border: points, their weights and an offset, exact or approximate alike."""
        # An unvarying log has no variance to go by.
        variance = float(data.matrix.var()) or 1.0
        self.gamma_ = self.gamma or BREADTH / (data.matrix.shape[1] * variance)
        if data.n_cases < EXACT_BELOW:
            self._fit_exact(data.matrix)
        else:
            self._fit_approximate(data.matrix)

    def _fit_exact(self, matrix: NDArray[np.float64]) -> None:
        machine = OneClassSVM(nu=self._outside(), gamma=self.gamma_).fit(matrix)
        self.points_ = np.array(machine.support_vectors_)
        self.weights_ = np.array(machine.dual_coef_[0])
        self.offset_ = float(-machine.intercept_[0])

    def _fit_approximate(self, matrix: NDArray[np.float64]) -> None:
        landmarks = Nystroem(gamma=self.gamma_, n_components=LANDMARKS, random_state=self.seed)
        machine = SGDOneClassSVM(nu=self._outside(), random_state=self.seed)
        machine.fit(landmarks.fit_transform(matrix))
        self.points_ = np.array(landmarks.components_)
        self.weights_ = np.array(landmarks.normalization_.T @ machine.coef_)
        self.offset_ = float(machine.offset_[0])

    def _outside(self) -> float:
        """The share that the border leaves outside; the threshold is another matter."""
        if self.nu is not None:
            return self.nu
        return OUTSIDE if isinstance(self.contamination, str) else self.contamination

    def score(self, data: CaseFeatures) -> NDArray[np.float64]:
        """How far outside the border each case lies, (cases,)."""
        return self.offset_ - kernel_sums(data.matrix, self.points_, self.weights_, self.gamma_)

    def reasons(self, data: CaseFeatures, flagged: Codes) -> list[str]:
        """The one unusual feature of each whose return to its typical value lowers the score most."""
        return profile_reasons(self.score, data, flagged)
