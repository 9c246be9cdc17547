"""What `train` does where a model stands at its place already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli._group import LIMIT, PLACE, REQUEST, options
from pmlcli.cli._options import (
    labels_option,
    one_of,
)
from pmlcli.errors import GateError, ValidationError

if TYPE_CHECKING:
    from pmlcli.cli._session import Session
    from pmlcli.eventlog.log import EventLog
    from pmlcli.lifecycle.model import Model
    from pmlcli.lifecycle.replacing import Decision
    from pmlcli.lifecycle.unchanged import Recipe

RULES = ("not-worse", "better")
"""As `lifecycle.replacing` has them; a test holds the two together."""


@options
class ExistingOptions:
    """Whether the model that stands there is kept or replaced."""

    skip_unchanged: Annotated[
        bool,
        LIMIT,
        typer.Option(
            "--skip-unchanged",
            help="Do nothing if the model was made of the same log and options by the same versions.",
        ),
    ] = False

    replace_if: Annotated[
        str | None,
        PLACE,
        typer.Option(
            "--replace-if",
            metavar="|".join(RULES),
            autocompletion=lambda: list(RULES),
            help="Replace the model only if the new one is that, on cases that neither has seen.",
        ),
    ] = None
    labels: Annotated[
        Path | None,
        PLACE,
        labels_option("With --replace-if: "),
    ] = None
    fail_if_kept: Annotated[
        bool,
        REQUEST,
        typer.Option("--fail-if-kept", help="With --replace-if: exit code 6 if the old model is kept."),
    ] = False

    @property
    def looks(self) -> bool:
        """Whether a model that stands there is looked at before anything is said against it."""
        return self.skip_unchanged or self.replace_if is not None

    def check(self, source: str, *, force: bool) -> None:
        """Raises, before any work is done, for options that make no sense together."""
        one_of("value of --replace-if", self.replace_if, RULES)
        if self.replace_if is None and (self.fail_if_kept or self.labels):
            option = "--fail-if-kept" if self.fail_if_kept else "--labels"
            raise ValidationError(f"{option} is for --replace-if", hint="add --replace-if not-worse")
        if self.replace_if is not None and force:
            raise ValidationError(
                "--force and --replace-if exclude each other", hint="--force replaces the model unjudged"
            )
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
            hint="give --force to replace it, or --replace-if not-worse",
            code="io.exists",
            context={"path": str(target)},
        )
    session.note(f"{target} is not up to date: {changed}")
    return False


def old_model(target: Path, recipe: Recipe) -> Model:
    """The model at `target`, verified, with which the new one is compared.

    PersistenceError where it is damaged or cannot be used here, ValidationError where it is of another task.
    """
    from pmlcli.lifecycle.model import Model
    from pmlcli.lifecycle.replacing import check_comparable

    old = Model.load(target)
    check_comparable(recipe, old)
    return old


def decision_on(  # noqa: PLR0913 (both models, and on what they are judged)
    target: Path, old: Model, recipe: Recipe, log: EventLog, existing: ExistingOptions, session: Session
) -> Decision:
    """Whether the new model takes the place of the old one; said in a line."""
    from pmlcli.lifecycle.labels import labels_of
    from pmlcli.lifecycle.replacing import decide

    labels = labels_of(existing.labels, log)
    found = decide(recipe, log, old, str(existing.replace_if), labels)
    session.note(f"{target} is {'replaced' if found.is_replaced else 'kept'}: {found.because}")
    return found


def require_replaced(document: Mapping[str, Any], existing: ExistingOptions) -> None:
    """Raises GateError where the old model was kept and that shall be a failure."""
    if existing.fail_if_kept and document["outcome"] == "kept":
        raise GateError(
            f"{document['path']} is kept: {document['decision']['because']}",
            code="gate.kept",
            context={"path": document["path"]},
        )


def kept_document(target: Path, outcome: str, **more: Any) -> dict[str, Any]:
    """The document of `train --json` where nothing was written."""
    from pmlcli.store.directory import read_seal

    seal = read_seal(target)
    return {
        "path": str(target),
        "root_digest": seal.root_digest,
        "is_signed": seal.signature is not None,
        "outcome": outcome,
        **more,
    }
