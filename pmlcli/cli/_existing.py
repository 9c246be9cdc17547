"""What `train` does where a model stands at its place already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli._group import LIMIT, options
from pmlcli.errors import ValidationError

if TYPE_CHECKING:
    from pmlcli.cli._session import Session
    from pmlcli.lifecycle.unchanged import Recipe


@options
class ExistingOptions:
    """Whether the model that stands there is kept or replaced."""

    skip_unchanged: Annotated[
        bool,
        LIMIT,
        typer.Option(
            "--skip-unchanged",
            help="Do nothing where the model was made of the same log and options by the same versions.",
        ),
    ] = False

    @property
    def looks(self) -> bool:
        """Whether a model that stands there is looked at before anything is said against it."""
        return self.skip_unchanged

    def check(self, source: str) -> None:
        """Raises, before any work is done, for options that make no sense together."""
        if self.skip_unchanged and source == "-":
            raise ValidationError(
                "--skip-unchanged needs a log that is a file: what comes from stdin is read once",
                hint="name the file",
                context={"option": "skip-unchanged"},
            )


def is_up_to_date(target: Path, recipe: Recipe, session: Session, *, may_replace: bool) -> bool:
    """Whether the model at `target` is what training would make; what has changed is said.

    ValidationError where something has and nobody said that the model may be replaced.
    """
    # hashlib alone would do, but what stands beside it needs numpy.
    from pmlcli.lifecycle.unchanged import what_changed

    changed = what_changed(target, recipe)
    if changed is None:
        session.note(f"{target} is up to date: same log, options and versions")
        return True
    if not may_replace:
        raise ValidationError(
            f"{target}: is a model already, and not up to date: {changed}",
            hint="give --force to replace it",
            code="io.exists",
            context={"path": str(target)},
        )
    session.note(f"{target} is not up to date: {changed}")
    return False


def kept_document(target: Path, outcome: str, **more: Any) -> dict[str, Any]:
    """The document of `train --json` where nothing was written."""
    from pmlcli.store.directory import read_model

    seal = read_model(target).seal
    return {
        "path": str(target),
        "root_digest": seal.root_digest,
        "is_signed": seal.signature is not None,
        "outcome": outcome,
        **more,
    }
