"""`pmlcli verify`: how far a model directory proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli.cli import _complete
from pmlcli.cli._options import CommonOptions, one_of
from pmlcli.render import sentence, text
from pmlcli.render.json import to_plain

EXIT_FAILED = 5

ModelsArgument = Annotated[
    list[Path], typer.Argument(metavar="MODEL...", help="Model directories.", show_default=False)
]
LevelOption = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="|".join(_complete.LEVELS),
        autocompletion=_complete.levels,
        help="How far to climb.  [default: replay]",
    ),
]
DigestOption = Annotated[
    str | None,
    typer.Option(
        "--expect-digest",
        metavar="HEX",
        help="The root digest that the model must have, as `train` printed it.",
    ),
]


def verify(
    models: ModelsArgument,
    common: CommonOptions,
    level: LevelOption = None,
    expect_digest: DigestOption = None,
) -> None:
    """Check model directories rung by rung.

    The rungs are structure, checksums, signature, environment and replay. Without a signature this
    detects damage, not tampering: who can write to the directory can also rewrite its checksums. A
    root digest kept elsewhere (--expect-digest) closes that gap.
    """
    with common.session() as session:
        document = verify_models(models, level=level, expect_digest=expect_digest)
        session.outcome("verify", document, lambda: text.verification(document))
    if not document["ok"]:
        raise typer.Exit(EXIT_FAILED)


def verify_models(models: list[Path], *, level: str | None, expect_digest: str | None) -> dict[str, Any]:
    """The reports on all models, and whether every one of them holds."""
    one_of("level", level, _complete.LEVELS)
    reports = [_report(path, level, expect_digest) for path in models]
    return {"ok": all(report["ok"] for report in reports), "models": reports}


def _report(path: Path, level: str | None, expect_digest: str | None) -> dict[str, Any]:
    # Only this command needs the store; `replay` imports the model's library itself.
    from pmlcli.lifecycle.verification import verify_model

    report = verify_model(path, level=level, expect_digest=expect_digest)
    is_signed = any(rung.rung == "signature" and rung.verdict == "pass" for rung in report.results)
    return {
        "path": str(path),
        "ok": report.passed,
        "reached": report.reached,
        "root_digest": report.root_digest,
        "rungs": [
            {**to_plain(rung), "promise": sentence.promise(rung.rung, is_signed=is_signed)}
            for rung in report.results
        ],
    }
