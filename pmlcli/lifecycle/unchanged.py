"""Whether training would make the model that stands there already: same log, options and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmlcli.encoding.hindsight import ColumnChoice
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import IncompatibleVersionError
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.source import sha256_of
from pmlcli.lifecycle import contract
from pmlcli.lifecycle.blame import in_place
from pmlcli.lifecycle.columns import choice_of
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.result import TrainingResult
from pmlcli.lifecycle.sampling import wanted_sample
from pmlcli.lifecycle.time_limit import may_go_further
from pmlcli.runtime import Deadline
from pmlcli.store import signing
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import ModelFiles
from pmlcli.store.manifest import Manifest
from pmlcli.store.verification import installed_version


@dataclass(frozen=True)
class Recipe:
    """All that decides what a training makes: an untrained model, a log's path, and how both are used."""

    model: Model
    log: str
    options: ReadOptions
    columns: ColumnChoice = ColumnChoice()
    regressors: Regressors | None = None
    sample_cases: int | None = None
    sign_with: Path | None = None
    deadline: Deadline = field(default_factory=Deadline)

    def train_on(self, log: EventLog) -> TrainingResult:
        """Trains the model on the log, as it was read."""
        return self.model.train(
            log,
            options=self.options,
            columns=self.columns,
            regressors=self.regressors,
            sample_cases=self.sample_cases,
            time_limit=self.deadline,
        )


def what_changed(path: Path, recipe: Recipe) -> str | None:
    """What is not as it was when the model at `path` was trained, in a few words; None: training would make
    the same again.

    The log is hashed last, and not read as a log. Raises a PersistenceError for a model that is damaged,
    LogError for a log that cannot be read.
    """
    try:
        with in_place(path):
            stored = ArtifactStore().load(path)
    except IncompatibleVersionError:
        return "the model is of another version of pmlcli"
    with in_place(path):
        changed = _of_recipe(stored.manifest, recipe) or _of_versions(stored.manifest)
    if changed is None and not _is_signed(stored, recipe.sign_with):
        changed = "the model is not signed with this key"
    if changed is None and stored.manifest.training_log.get("sha256") != sha256_of(recipe.log):
        changed = "the log is another"
    return changed


def _of_recipe(manifest: Manifest, recipe: Recipe) -> str | None:
    model, known = recipe.model, manifest.training_log
    with contract.written_by_pmlcli("training_log"):
        columns, sample = choice_of(known), wanted_sample(known)
    same = {
        "the algorithm": manifest.model_type == model.model_type,
        "the model's id": (manifest.model_id, manifest.version) == (model.model_id, model.version),
        "a parameter": manifest.hyperparameters == _plain(model.algorithm.parameters()),
        "how the log is read": known.get("reading", {}) == _plain(contract.reading_facts(recipe.options)),
        "the choice of columns": _names(columns) == _names(recipe.columns),
        "the regressors": _sha256(known.get("regressors")) == _of_regressors(recipe.regressors),
        "the sample of cases": sample == _wanted(recipe.sample_cases, known),
    }
    changed = next((f"{what} changed" for what, is_same in same.items() if not is_same), None)
    if changed is None and may_go_further(known, recipe.deadline):
        return "the model was cut short by its time limit, and now there is more time"
    return changed


def _of_versions(manifest: Manifest) -> str | None:
    for name, recorded in sorted(manifest.dependencies.items()):
        found = installed_version(name)
        if found != recorded:
            return f"it was made with {name} {recorded}, and here is {found or 'none'}"
    return None


def _is_signed(stored: ModelFiles, key: Path | None) -> bool:
    """Whether it bears the signature that is asked for; a model may bear one that nobody asks for."""
    seal = stored.seal
    return key is None or signing.is_signed_by(key, seal.manifest_bytes, seal.signature)


def _wanted(cases: int | None, training_log: Mapping[str, Any]) -> int | None:
    """What the manifest would say of a sample of so many cases of the same log."""
    whole = training_log.get("cases")
    return None if cases is None or (isinstance(whole, int) and cases >= whole) else cases


def _names(choice: ColumnChoice) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(choice.known_at_start), frozenset(choice.hindsight)


def _of_regressors(regressors: Regressors | None) -> object:
    return None if regressors is None else regressors.sha256


def _sha256(known: object) -> object:
    return known.get("sha256") if isinstance(known, Mapping) else None


def _plain(value: Mapping[str, Any]) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))
