"""What is to be saved is opened first, as a stranger would: nothing is published that does not answer."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pmlcli import runtime
from pmlcli.errors import MissingDependencyError, PersistenceError, PredictionError, UnopenedModelError
from pmlcli.lifecycle import fresh, isolation
from pmlcli.lifecycle.canary import REPLAYED_EVENTS, Replay
from pmlcli.store.findings import shown

SKIPPED_BY = "PMLCLI_SKIP_OPENING"
"""Set to 1, nothing is opened before it is saved, except by `Model.save(check=True)`. For test suites."""


def is_wanted(check: bool | None) -> bool:
    """Whether a model is opened before it is saved: what the caller says, and else the variable."""
    return os.environ.get(SKIPPED_BY, "") in ("", "0") if check is None else check


def require_answers(manifest: bytes, files: Mapping[str, bytes]) -> None:
    """Replays the canary in a fresh, confined interpreter that has these bytes alone.

    UnopenedModelError when the model cannot be built from them or answers otherwise than it did in training.
    """
    limits = isolation.limits_for(events=REPLAYED_EVENTS, files=files)
    try:
        with runtime.stage("checking"):
            found = Replay.from_files(fresh.ask(fresh.Job(manifest, files, limits)))
    except (PersistenceError, PredictionError, MissingDependencyError) as error:
        raise _unopened(f"cannot be opened again ({error.message})") from error
    if found.findings:
        first = found.findings[0]
        raise _unopened(
            f"answers otherwise once it is opened again ({first['what']} is {shown(first['found'])}, was "
            f"{shown(first['expected'])})"
        )


def _unopened(what: str) -> UnopenedModelError:
    return UnopenedModelError(
        f"a bug in pmlcli: the trained model {what}",
        hint="nothing was saved; please report this line, the command, and what columns "
        "the log has (pmlcli inspect LOG)",
    )
