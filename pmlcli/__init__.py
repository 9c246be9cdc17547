"""pmlcli: machine learning on process-mining event logs, kept in model directories that prove themselves.

The public names below are loaded on first use, so that `import pmlcli` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "BusyError": "pmlcli.errors",
    "ChecksumMismatchError": "pmlcli.errors",
    "EventLog": "pmlcli.eventlog.log",
    "FeatureConfig": "pmlcli.encoding.profile.extractor",
    "FeatureExtractor": "pmlcli.encoding.profile.extractor",
    "Hook": "pmlcli.lifecycle.context",
    "HookError": "pmlcli.errors",
    "IncompatibleVersionError": "pmlcli.errors",
    "LifecycleContext": "pmlcli.lifecycle.context",
    "LogError": "pmlcli.errors",
    "MissingArtifactError": "pmlcli.errors",
    "MissingDependencyError": "pmlcli.errors",
    "Model": "pmlcli.lifecycle.model",
    "OutputError": "pmlcli.errors",
    "PersistenceError": "pmlcli.errors",
    "PmlError": "pmlcli.errors",
    "PredictRequest": "pmlcli.algorithms._interface.base",
    "PredictionError": "pmlcli.errors",
    "PredictionResult": "pmlcli.lifecycle.result",
    "ReadOptions": "pmlcli.eventlog",
    "SavedModel": "pmlcli.lifecycle.result",
    "SignatureError": "pmlcli.errors",
    "TrainingError": "pmlcli.errors",
    "TrainingResult": "pmlcli.lifecycle.result",
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
