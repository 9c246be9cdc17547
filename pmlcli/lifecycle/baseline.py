"""The task's baseline that a model keeps, fitted on the same log, to compare it with later."""

from __future__ import annotations

from dataclasses import replace

from pmlcli import registry
from pmlcli.errors import PersistenceError
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.state import TrainedState
from pmlcli.lifecycle.trial import baseline_of
from pmlcli.store.manifest import is_artifact_filename


def baseline_state(state: TrainedState) -> TrainedState | None:
    """The task's baseline as it was fitted on the same log; None where the model is it, or keeps none."""
    files = artifacts.baseline_files(state.files)
    if files is None:
        return None
    name, parameters = state.task.baseline, baseline_of(state.algorithm).parameters()
    others = {"model_type": name, "hyperparameters": parameters, "performance_metrics": {}}
    origin = None if state.origin is None else replace(state.origin, root_digest=None)
    return TrainedState(registry.build(name, parameters), {**state.manifest, **others}, files, origin=origin)


def check_baseline(state: TrainedState) -> None:
    """Raises a PersistenceError, with the file's whole name, where the kept baseline cannot be restored."""
    kept = baseline_state(state)
    if kept is None:
        return
    try:
        _ = kept.fitted
    except PersistenceError as error:
        name = error.message.partition(": ")[0]
        is_file = is_artifact_filename(name)
        error.reword(f"{artifacts.BASELINE if is_file else 'the kept baseline: '}{error.message}")
        raise
