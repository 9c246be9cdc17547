"""Whose fault an error is that comes out of a model."""

from __future__ import annotations

from pmlcli.errors import DamagedModelError, PersistenceError, PmlError, PredictionError

HINT = "--debug shows where; verify the model, or train it again"


def blamed(error: PmlError, tellable: tuple[type[PmlError], ...] = ()) -> PmlError:
    """The error itself where it is about the model, or of a kind that a model may tell; else that the model
    cannot be used: what it says of the user's options, log or machine is not its to say.
    """
    if error.exit_code == PersistenceError.exit_code or isinstance(error, (DamagedModelError, *tellable)):
        return error
    return PredictionError(f"the model cannot be used ({error.message})", code="prediction.failed", hint=HINT)
