"""What train, save and predict return."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

Status = Literal["initialized", "training", "trained", "failed"]


@dataclass
class ModelMetadata:
    """Where a model is in its life, and what it was trained on."""

    status: Status = "initialized"
    created_at: datetime | None = None
    trained_at: datetime | None = None
    training_samples: int = 0


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a training.

    `metrics`: each metric beside its baseline, with difference, 95 % interval and verdict, as it stands
    in the manifest. `metadata`: samples, CPU seconds, what was read, warnings.
    """

    success: bool
    metrics: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class PredictionResult:
    """The outcome of a prediction: the task's table, and `metadata` with counts, units and warnings."""

    predictions: pd.DataFrame
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedModel:
    """Where a model was saved, and the one hash over all of it."""

    path: Path
    root_digest: str
