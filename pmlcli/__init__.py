"""pmlcli: machine learning on process-mining event logs, kept in model directories that prove themselves.

The public names below are loaded on first use, so that `import pmlcli` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmlcli.algorithms._interface.base import Algorithm as Algorithm
    from pmlcli.algorithms._interface.param import Param as Param
    from pmlcli.algorithms._interface.request import PredictRequest as PredictRequest
    from pmlcli.algorithms.anomaly._task import AnomalyDetector as AnomalyDetector
    from pmlcli.algorithms.anomaly._values import EventDetector as EventDetector
    from pmlcli.algorithms.forecast._task import Forecaster as Forecaster
    from pmlcli.algorithms.next_activity._task import NextActivityPredictor as NextActivityPredictor
    from pmlcli.algorithms.outcome._task import OutcomePredictor as OutcomePredictor
    from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor as RemainingTimePredictor
    from pmlcli.algorithms.suffix._task import SuffixPredictor as SuffixPredictor
    from pmlcli.encoding.base import Encoding as Encoding
    from pmlcli.encoding.profile.extractor import FeatureConfig as FeatureConfig
    from pmlcli.encoding.profile.extractor import FeatureExtractor as FeatureExtractor
    from pmlcli.errors import BusyError as BusyError
    from pmlcli.errors import ChecksumMismatchError as ChecksumMismatchError
    from pmlcli.errors import DamagedModelError as DamagedModelError
    from pmlcli.errors import GateError as GateError
    from pmlcli.errors import HookError as HookError
    from pmlcli.errors import IncompatibleVersionError as IncompatibleVersionError
    from pmlcli.errors import LogError as LogError
    from pmlcli.errors import MissingArtifactError as MissingArtifactError
    from pmlcli.errors import MissingDependencyError as MissingDependencyError
    from pmlcli.errors import OutputError as OutputError
    from pmlcli.errors import PersistenceError as PersistenceError
    from pmlcli.errors import PmlError as PmlError
    from pmlcli.errors import PredictionError as PredictionError
    from pmlcli.errors import SignatureError as SignatureError
    from pmlcli.errors import TimeLimitError as TimeLimitError
    from pmlcli.errors import TrainingError as TrainingError
    from pmlcli.errors import UnopenedModelError as UnopenedModelError
    from pmlcli.errors import UnsupportedSystemError as UnsupportedSystemError
    from pmlcli.errors import UntrustedArtifactError as UntrustedArtifactError
    from pmlcli.errors import ValidationError as ValidationError
    from pmlcli.eventlog import ReadOptions as ReadOptions
    from pmlcli.eventlog import read_log as read_log
    from pmlcli.eventlog import write_log as write_log
    from pmlcli.eventlog.log import EventLog as EventLog
    from pmlcli.lifecycle.context import Hook as Hook
    from pmlcli.lifecycle.context import LifecycleContext as LifecycleContext
    from pmlcli.lifecycle.inspection import inspect_model as inspect_model
    from pmlcli.lifecycle.model import Model as Model
    from pmlcli.lifecycle.result import ModelMetadata as ModelMetadata
    from pmlcli.lifecycle.result import PredictionResult as PredictionResult
    from pmlcli.lifecycle.result import SavedModel as SavedModel
    from pmlcli.lifecycle.result import TrainingResult as TrainingResult
    from pmlcli.lifecycle.verification import verify_model as verify_model
    from pmlcli.registry import algorithms as algorithms
    from pmlcli.reporting.made import Report as Report
    from pmlcli.reporting.report import report as report
    from pmlcli.reporting.story import ReportOptions as ReportOptions
    from pmlcli.store.artifacts import ArtifactStore as ArtifactStore
    from pmlcli.store.manifest import ArtifactRecord as ArtifactRecord

__version__ = "0.1.0"

_HOMES = {
    "Algorithm": "pmlcli.algorithms._interface.base",
    "AnomalyDetector": "pmlcli.algorithms.anomaly._task",
    "ArtifactRecord": "pmlcli.store.manifest",
    "ArtifactStore": "pmlcli.store.artifacts",
    "BusyError": "pmlcli.errors",
    "GateError": "pmlcli.errors",
    "ChecksumMismatchError": "pmlcli.errors",
    "DamagedModelError": "pmlcli.errors",
    "Encoding": "pmlcli.encoding.base",
    "EventDetector": "pmlcli.algorithms.anomaly._values",
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
    "PredictRequest": "pmlcli.algorithms._interface.request",
    "PredictionError": "pmlcli.errors",
    "PredictionResult": "pmlcli.lifecycle.result",
    "ReadOptions": "pmlcli.eventlog",
    "RemainingTimePredictor": "pmlcli.algorithms.remaining_time._task",
    "Report": "pmlcli.reporting.made",
    "ReportOptions": "pmlcli.reporting.story",
    "SavedModel": "pmlcli.lifecycle.result",
    "SignatureError": "pmlcli.errors",
    "SuffixPredictor": "pmlcli.algorithms.suffix._task",
    "TimeLimitError": "pmlcli.errors",
    "TrainingError": "pmlcli.errors",
    "TrainingResult": "pmlcli.lifecycle.result",
    "UnopenedModelError": "pmlcli.errors",
    "UnsupportedSystemError": "pmlcli.errors",
    "UntrustedArtifactError": "pmlcli.errors",
    "ValidationError": "pmlcli.errors",
    "algorithms": "pmlcli.registry",
    "inspect_model": "pmlcli.lifecycle.inspection",
    "report": "pmlcli.reporting.report",
    "read_log": "pmlcli.eventlog",
    "verify_model": "pmlcli.lifecycle.verification",
    "write_log": "pmlcli.eventlog",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 (names come from the one table above)


if not TYPE_CHECKING:
    # Hidden from type checkers, to which every unknown name would otherwise be Any.

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'pmlcli' has no attribute '{name}'")
        if _HOMES[name] != "pmlcli.errors":
            import_module("pmlcli.system").require()
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
