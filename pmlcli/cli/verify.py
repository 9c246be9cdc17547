"""`pmlcli verify`: how far a model directory proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli import _complete
from pmlcli.cli._group import PLACE, TRUST
from pmlcli.cli._options import CommonOptions, one_of
from pmlcli.cli._trust import TrustOptions
from pmlcli.errors import ValidationError
from pmlcli.render import sentence, text
from pmlcli.render.json import to_plain

if TYPE_CHECKING:
    from pmlcli.store.verification import RunCheck, Verification

ModelsArgument = Annotated[
    list[Path], typer.Argument(metavar="MODEL...", help="Model directories.", show_default=False)
]
LevelOption = Annotated[
    str | None,
    TRUST,
    typer.Option(
        "--level",
        metavar="|".join(_complete.LEVELS),
        autocompletion=_complete.levels,
        help="The last check to run.  [default: replay]",
    ),
]
RetrainOption = Annotated[
    str | None,
    PLACE,
    typer.Option(
        "--retrain",
        metavar="LOG",
        help="Then train again on this log, which must be the one the model was trained on, and compare.",
    ),
]
AnyLogOption = Annotated[bool, TRUST, typer.Option("--any-log", help="With --retrain: accept another log.")]

SameRegressorOption = Annotated[
    Path | None,
    PLACE,
    typer.Option(
        "--regressor", metavar="FILE", help="With --retrain: the CSV that the model was trained with, if any."
    ),
]


def verify(  # noqa: PLR0913 (a command takes its groups of options)
    models: ModelsArgument,
    trust: TrustOptions,
    common: CommonOptions,
    level: LevelOption = None,
    retrain: RetrainOption = None,
    any_log: AnyLogOption = False,
    regressor: SameRegressorOption = None,
) -> None:
    """Check model directories.

    The checks are, in this order: structure, checksums, signature, environment and replay, and with
    --retrain a new training. Without a signature they find damage, not tampering: anybody who can write to
    the directory can also rewrite its checksums. A public key (--public-key), or a root digest that you keep
    elsewhere (--expect-digest), closes that gap.
    """
    with common.session() as session:
        run_check = _retraining(retrain, any_log, level, regressor)
        document = verify_models(models, level=level, trust=trust, retrain=run_check)
        session.outcome("verify", document, lambda: text.verification(document))
        if not document["ok"]:
            raise typer.Exit(document["exit_code"])


def _retraining(log: str | None, any_log: bool, level: str | None, regressor: Path | None) -> RunCheck | None:
    if log is None:
        for option, is_given in (("--any-log", any_log), ("--regressor", regressor is not None)):
            if is_given:
                raise ValidationError(f"{option} means nothing without --retrain", hint="give --retrain LOG")
        return None
    if level is not None:
        raise ValidationError("--retrain runs every check", hint="leave --level out")
    # Only this command needs the store.
    from pmlcli.lifecycle.verification import retraining_on

    return retraining_on(log, any_log=any_log, regressor=regressor)


def verify_models(
    models: list[Path], *, level: str | None, trust: TrustOptions, retrain: RunCheck | None = None
) -> dict[str, Any]:
    """The reports on all models, and whether every one of them holds."""
    one_of("level", level, _complete.LEVELS)
    # Only this command needs the store; `replay` and `retrain` import the model's library themselves.
    from pmlcli.lifecycle.verification import verify_model

    check = trust.signature_check()
    reports = [
        verify_model(
            path,
            level,
            expect_digest=trust.expect_digest,
            check_signature=check,
            trusted=not trust.isolation,
            retrain=retrain,
        )
        for path in models
    ]
    return {
        "ok": all(report.passed for report in reports),
        "exit_code": max(report.exit_code for report in reports),
        "models": [_document(report) for report in reports],
    }


def _document(report: Verification) -> dict[str, Any]:
    is_signed = any(check.check == "signature" and check.verdict == "pass" for check in report.results)
    return {
        "path": report.path,
        "ok": report.passed,
        "reached": report.reached,
        "root_digest": report.root_digest,
        "checks": [
            {**to_plain(check), "promise": sentence.promise(check.check, is_signed=is_signed)}
            for check in report.results
        ],
    }
