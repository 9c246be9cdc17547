"""pmlcli: machine learning on process-mining event logs, kept in model directories that prove themselves.

The public names below are loaded on first use, so that `import pmlcli` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Algorithm": "pmlcli.algorithms._interface.base",
    "AnomalyDetector": "pmlcli.algorithms.anomaly._task",
    "ArtifactRecord": "pmlcli.store.manifest",
    "ArtifactStore": "pmlcli.store.artifacts",
    "BusyError": "pmlcli.errors",
    "ChecksumMismatchError": "pmlcli.errors",
    "Encoding": "pmlcli.encoding.base",
    "EventLog": "pmlcli.eventlog.log",
    "FeatureConfig": "pmlcli.encoding.profile.extractor",
    "FeatureExtractor": "pmlcli.encoding.profile.extractor",
    "Forecaster": "pmlcli.algorithms.forecast._task",
    "Hook": "pmlcli.lifecycle.context",
    "HookError": "pmlcli.errors",
    "IncompatibleVersionError": "pmlcli.errors",
    "LifecycleContext": "pmlcli.lifecycle.context",
    "LogError": "pmlcli.errors",
    "MissingArtifactError": "pmlcli.errors",
    "MissingDependencyError": "pmlcli.errors",
    "Model": "pmlcli.lifecycle.model",
    "ModelMetadata": "pmlcli.lifecycle.result",
    "NextActivityPredictor": "pmlcli.algorithms.next_activity._task",
    "OutcomePredictor": "pmlcli.algorithms.outcome._task",
    "OutputError": "pmlcli.errors",
    "Param": "pmlcli.algorithms._interface.param",
    "PersistenceError": "pmlcli.errors",
    "PmlError": "pmlcli.errors",
    "PredictRequest": "pmlcli.algorithms._interface.base",
    "PredictionError": "pmlcli.errors",
    "PredictionResult": "pmlcli.lifecycle.result",
    "ReadOptions": "pmlcli.eventlog",
    "RemainingTimePredictor": "pmlcli.algorithms.remaining_time._task",
    "SavedModel": "pmlcli.lifecycle.result",
    "SignatureError": "pmlcli.errors",
    "SuffixPredictor": "pmlcli.algorithms.suffix._task",
    "TrainingError": "pmlcli.errors",
    "TrainingResult": "pmlcli.lifecycle.result",
    "UnopenedModelError": "pmlcli.errors",
    "UntrustedArtifactError": "pmlcli.errors",
    "ValidationError": "pmlcli.errors",
    "inspect_model": "pmlcli.lifecycle.inspection",
    "read_log": "pmlcli.eventlog",
    "verify_model": "pmlcli.lifecycle.verification",
    "write_log": "pmlcli.eventlog",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 (names come from the one table above)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pmlcli' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
