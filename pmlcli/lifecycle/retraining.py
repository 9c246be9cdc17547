"""`verify --retrain`: the same log, options, parameters and seed must give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pmlcli import runtime
from pmlcli.encoding.series.regressors import Regressors, read_regressors
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle import contract
from pmlcli.lifecycle.columns import choice_of
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.sampling import wanted_sample
from pmlcli.lifecycle.time_limit import cut_short_words
from pmlcli.store.directory import ModelFiles
from pmlcli.store.findings import Finding
from pmlcli.store.verification import CheckResult, result_of, skipped

CHECK = "retrain"
LOG = "training log"


def retrain(
    stored: ModelFiles, log: Path | str, *, any_log: bool = False, regressor: Path | None = None
) -> CheckResult:
    """Trains again on `log`, read as the manifest says, and compares every artifact's bytes; not where a time
    limit cut the model short.

    Fails for another `regressor` file and for another log than the recorded one, unless `any_log`. A file of
    another SHA-256 that has as many cases and events may hold the same log (its rows in another order): then
    the artifacts decide. The model's own artifacts are not decoded.
    """
    manifest = stored.manifest
    if cut_short_words(manifest.training_log) is not None:
        return skipped(
            CHECK, "the model was cut short by a time limit; how far it came depends on the machine"
        )
    recorded = manifest.training_log.get("sha256")
    if not isinstance(recorded, str) and not any_log:
        return skipped(CHECK, "the model was trained on a log in memory; --any-log compares with a file")
    model = untrained(stored)
    with contract.written_by_pmlcli("training_log"):
        options = contract.reading_options(manifest.training_log.get("reading", {}))
        columns = choice_of(manifest.training_log)
        sample = wanted_sample(manifest.training_log)
    read = read_log(log, options)
    regressors = None if regressor is None else read_regressors(regressor)
    others = _others(manifest.training_log, read.source.sha256, regressors)
    if others and not any_log and not _may_be_same(manifest.training_log, read, others):
        return result_of(CHECK, others)
    with runtime.use_threads(_threads(manifest.determinism)):
        model.train(read, options=options, regressors=regressors, columns=columns, sample_cases=sample)
    differences = _differences(stored.files, model.files)
    return result_of(CHECK, [*others, *differences] if differences and not any_log else differences)


def _may_be_same(recorded: Mapping[str, Any], log: EventLog, others: list[Finding]) -> bool:
    """Whether only the file's bytes are known to differ, not what it holds."""
    is_as_large = (recorded.get("cases"), recorded.get("events")) == (log.n_cases, log.n_events)
    return is_as_large and [finding.what for finding in others] == [LOG]


def _others(recorded: Mapping[str, Any], sha256: str | None, regressors: Regressors | None) -> list[Finding]:
    """What is given and is not what the model was trained on: the log, the regressors."""
    kept = recorded.get("regressors")
    wanted = {
        LOG: (recorded.get("sha256"), sha256),
        "regressors": (
            kept.get("sha256") if isinstance(kept, Mapping) else None,
            None if regressors is None else regressors.sha256,
        ),
    }
    told = {what: [f"SHA-256 {one}" if one else "none" for one in pair] for what, pair in wanted.items()}
    return [Finding(what, *pair) for what, pair in told.items() if pair[0] != pair[1]]


def untrained(stored: ModelFiles) -> Model:
    """A model of the recorded algorithm and parameters that has learned nothing."""
    manifest = stored.manifest
    with contract.written_by_pmlcli("hyperparameters"):
        parameters = contract.checked_hyperparameters(manifest.hyperparameters)
        return Model(manifest.model_type, model_id=manifest.model_id, version=manifest.version, **parameters)


def _threads(determinism: Mapping[str, Any]) -> int:
    threads = determinism.get("threads", 1)
    return threads if type(threads) is int and 1 <= threads <= 256 else 1


def _differences(recorded: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[Finding]:
    return [
        Finding(f"artifacts/{name}", _digest(recorded.get(name)), _digest(found.get(name)))
        for name in sorted(recorded.keys() | found.keys())
        if recorded.get(name) != found.get(name)
    ]


def _digest(data: bytes | None) -> str:
    return "nothing" if data is None else f"SHA-256 {hashlib.sha256(data).hexdigest()}"
