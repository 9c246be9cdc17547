"""What train, save and predict return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd

from pmlcli.evaluation.notebook import cell, page, table
from pmlcli.store.manifest import ArtifactRecord

Status = Literal["initialized", "training", "trained", "failed"]

MOST_ROWS = 10
"""So many predictions are shown in a notebook."""


def told_metrics(metrics: Mapping[str, Any]) -> str:
    """`better: accuracy 0.81, baseline 0.76`: the verdict of each metric first."""
    return "; ".join(
        f"{one.get('verdict')}: {name} {cell(one.get('value'))}, baseline {cell(one.get('baseline_value'))}"
        for name, one in metrics.items()
        if isinstance(one, Mapping)
    )


@dataclass
class ModelMetadata:
    """What a model is, whether it is trained, and on what.

    `artifacts` are the files of a trained model, as its manifest lists them.
    """

    model_id: str
    model_type: str
    status: Status = "initialized"
    created_at: datetime | None = None
    trained_at: datetime | None = None
    training_samples: int = 0
    artifacts: tuple[ArtifactRecord, ...] = ()

    @property
    def is_trained(self) -> bool:
        """Whether the model is trained, so that it can predict and be saved."""
        return self.status == "trained"

    @classmethod
    def of(cls, manifest: Mapping[str, Any], artifacts: tuple[ArtifactRecord, ...]) -> Self:
        """That of the trained model with these fields of a manifest; ValueError when a time is none."""
        return cls(
            model_id=manifest["model_id"],
            model_type=manifest["model_type"],
            status="trained",
            created_at=datetime.fromisoformat(manifest["created_at"]),
            trained_at=datetime.fromisoformat(manifest["trained_at"]),
            training_samples=manifest["training_samples"],
            artifacts=artifacts,
        )


def told_model(about: ModelMetadata, manifest: Mapping[str, Any]) -> str:
    """`next-activity/ngram 'orders', trained on 608 cases until 2024-12-01; better: accuracy 0.81`."""
    name = f"{about.model_type} {about.model_id!r}"
    if not about.is_trained:
        return f"{name}, {'not trained' if about.status == 'initialized' else about.status}"
    log = manifest["training_log"]
    until = f" until {str(log['until'])[:10]}" if log.get("until") else ""
    metrics = told_metrics(manifest["performance_metrics"])
    return f"{name}, trained on {log.get('cases')} cases{until}" + (f"; {metrics}" if metrics else "")


def model_page(about: ModelMetadata, manifest: Mapping[str, Any], warnings: Sequence[str]) -> str:
    """The model as a notebook shows it, with its parameters."""
    rows = [(name, str(value)) for name, value in manifest.get("hyperparameters", {}).items()]
    return page(told_model(about, manifest), warnings, table(("parameter", "value"), rows))


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a training.

    `metrics`: each metric beside its baseline, with difference, 95 % interval and verdict, as it stands
    in the manifest. `metadata`: samples, CPU seconds, what was read, warnings.
    """

    success: bool
    metrics: dict[str, Any]
    metadata: dict[str, Any]

    def __repr__(self) -> str:
        return f"<training of {self.metadata.get('model_type')}: {told_metrics(self.metrics)}>"

    def _repr_html_(self) -> str:
        first = f"{self.metadata.get('model_type')}: {told_metrics(self.metrics)}"
        return page(first, [*self.metadata.get("warnings", ()), *self.metadata.get("remarks", ())])


@dataclass(frozen=True, eq=False)
class PredictionResult:
    """The outcome of a prediction: the task's table, and `metadata` with counts, units and warnings.

    `situations` has a row for each prediction about a case: `current_activity`, `current_resource` and
    `age_days`, as far as the log has them; None where predictions are not about cases.

    Two results are equal when their tables are: the same columns, types, order and values, where a missing
    value equals a missing value. A result cannot be hashed, because a table cannot.
    """

    predictions: pd.DataFrame
    metadata: dict[str, Any] = field(default_factory=dict)
    situations: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return f"<predictions: {self._told()}>"

    def _repr_html_(self) -> str:
        shown = self.predictions.head(MOST_ROWS)
        body = table(list(map(str, shown.columns)), shown.astype(object).to_numpy().tolist())
        left = len(self.predictions) - len(shown)
        more = f"<p>and {left:,} more rows: .predictions has all</p>" if left else ""
        return page(self._told(), self.metadata.get("warnings", ()), body + more)

    def _told(self) -> str:
        """`3 of 12 rows flagged, by anomaly/histogram`."""
        rows = f"{len(self.predictions):,} row{'s' * (len(self.predictions) != 1)}"
        flagged = self.metadata.get("n_flagged")
        told = rows if flagged is None else f"{flagged:,} of {rows} flagged"
        by = self.metadata.get("model_type")
        warnings = len(self.metadata.get("warnings", ()))
        about = [f"by {by}"] if by else []
        about += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
        return ", ".join([told, *about])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PredictionResult):
            return NotImplemented
        return bool(self.predictions.equals(other.predictions))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class SavedModel:
    """Where a model was saved, and its root digest."""

    path: Path
    root_digest: str
