"""`pmlcli sign`: vouch for a model directory with a private key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmlcli.cli._group import PLACE
from pmlcli.cli._options import CommonOptions
from pmlcli.cli._trust import WaitOption, signer_for
from pmlcli.render import text

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="Model directory.", show_default=False)]
KeyOption = Annotated[
    Path,
    PLACE,
    typer.Option(
        "--private-key",
        metavar="KEY",
        help="Private key (PEM); `pmlcli keygen` makes one.",
        show_default=False,
    ),
]


def sign(model: ModelArgument, private_key: KeyOption, common: CommonOptions, wait: WaitOption = 0.0) -> None:
    """Sign a model directory: its manifest, and with it every file, once their checksums are verified.

    Writes the signature to manifest.json.sig and replaces an older one.
    """
    with common.session() as session:
        # Only this command needs the store.
        from pmlcli.store.artifacts import ArtifactStore

        digest = ArtifactStore().sign(model, signer_for(private_key), wait_seconds=wait)
        document = {"path": str(model), "root_digest": digest}
        session.note(f"signed {model}, root digest {digest}")
        session.outcome("sign", document, lambda: text.saved_path(document))
