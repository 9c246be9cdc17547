"""Verification of a model directory with the checks that need the model itself.

Nothing numeric is imported below the check `replay`.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pmlcli.store import verification
from pmlcli.store.directory import ModelFiles
from pmlcli.store.verification import CheckResult, RunCheck, Verification

LEVEL = "replay"


def verify_model(
    path: Path | str,
    level: str | None = None,
    *,
    expect_digest: str | None = None,
    check_signature: verification.SignatureCheck | None = None,
    trusted: bool = False,
    retrain: RunCheck | None = None,
) -> Verification:
    """Runs the checks of `verify` up to `level` (`replay` by default); damage is a result, not an error.

    The canary cases are asked in a confined child process, those of a `trusted` model in this one. With
    `retrain` (see `retraining_on`) that check is run too. Raises ValidationError for an unknown level,
    OutputError for a disk that cannot be read.
    """
    return verification.verify(
        path,
        level or ("retrain" if retrain else LEVEL),
        retrain=retrain,
        replay=partial(_replay, trusted=trusted),
        check_signature=check_signature,
        expect_digest=expect_digest,
    )


def retraining_on(log: Path | str, *, any_log: bool = False, regressor: Path | None = None) -> RunCheck:
    """The check that trains again on `log` and compares the artifacts; see `retraining.retrain`."""

    def run_check(stored: ModelFiles) -> CheckResult:
        # Imported here: only this check needs the algorithm's library.
        again = import_module("pmlcli.lifecycle.retraining").retrain
        found: CheckResult = again(stored, log, any_log=any_log, regressor=regressor)
        return found

    return run_check


def _replay(stored: ModelFiles, *, trusted: bool) -> CheckResult:
    """Asks the canary cases again; how far the answers are from the recorded ones, and which differ."""
    # Imported here: only this check needs the algorithm's library.
    model: Any = import_module("pmlcli.lifecycle.model").Model.from_stored(stored, trusted=trusted)
    found = model.replay()
    worst = {"what": "largest relative difference", "expected": 0.0, "found": found.largest}
    verdict: verification.Verdict = "fail" if found.findings else "pass"
    return CheckResult("replay", verdict, (worst, *found.findings))
