"""`pmlcli upgrade`: a model of an older schema, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli.cli import _target
from pmlcli.cli._group import PLACE
from pmlcli.cli._options import CommonOptions, ForceOption
from pmlcli.cli._session import Session
from pmlcli.cli._trust import PrivateKeyOption, SealOptions, signer_for
from pmlcli.render import text

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="Model directory.", show_default=False)]
NewOption = Annotated[
    Path,
    PLACE,
    typer.Option("--output", "-o", metavar="NEW", help="The new model directory.", show_default=False),
]


def upgrade(
    model: ModelArgument,
    output: NewOption,
    seal: SealOptions,
    common: CommonOptions,
    force: ForceOption = False,
    sign: PrivateKeyOption = None,
) -> None:
    """Convert a model of an older schema to the schema of this pmlcli, in a new directory.

    The old model stays as it is. So far there is one schema: a model of it is verified, and nothing is
    written. A signature holds for the old bytes only, so the new model has none unless you give --sign.
    --public-key checks the old model before any of it is parsed.
    """
    with common.session() as session:
        document = upgrade_model(model, output, force=force, key=sign, seal=seal, session=session)
        session.outcome("upgrade", document, lambda: text.saved_path(document))


def upgrade_model(
    model: Path, output: Path, *, force: bool, key: Path | None, seal: SealOptions, session: Session
) -> dict[str, Any]:
    """What was done, and where the model of the present schema now is."""
    _target.require_model_place(output, force=force)
    # Only this command needs the store.
    from pmlcli.store.migration import upgraded

    result = upgraded(model, output, force=force, sign=signer_for(key), check_seal=seal.seal_check())
    if not result.is_changed:
        session.note(f"{model} has schema {result.schema} already: nothing to do")
    elif result.lost_signature:
        session.warn("the signature was of the old bytes; sign the new model with `pmlcli sign`")
    path = output if result.is_changed else model
    return {
        "path": str(path),
        "is_changed": result.is_changed,
        "from_schema": result.from_schema,
        "schema_version": result.schema,
        "root_digest": result.root_digest,
    }
