"""Whose fault an error is that comes out of a model, and which of its files it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmlcli.errors import DamagedModelError, PersistenceError, PmlError, PredictionError
from pmlcli.store.manifest import ARTIFACTS_NAME, MANIFEST_NAME, is_artifact_filename

HINT = "--debug shows where; verify the model, or train it again"


def blamed(error: PmlError, tellable: tuple[type[PmlError], ...] = ()) -> PmlError:
    """The error itself where it is about the model, or of a kind that a model may tell; else that the model
    cannot be used: what it says of the user's options, log or machine is not its to say.
    """
    if error.exit_code == PersistenceError.exit_code or isinstance(error, (DamagedModelError, *tellable)):
        return error
    return PredictionError(f"the model cannot be used ({error.message})", code="prediction.failed", hint=HINT)


@contextmanager
def in_place(place: Path | None) -> Iterator[None]:
    """Makes errors about the model in a directory begin with its path, or with that of the file in it."""
    try:
        yield
    except PersistenceError as error:
        if place is not None and not error.message.startswith(str(place)):
            name = error.message.partition(": ")[0]
            is_artifact = is_artifact_filename(name) and name != MANIFEST_NAME
            inner = f"/{ARTIFACTS_NAME}/{name}" if is_artifact else f"/{name}"
            known = is_artifact or name == MANIFEST_NAME
            error.begin_with(f"{place}{inner}" if known else f"{place}: {name}", instead_of=name)
        raise
