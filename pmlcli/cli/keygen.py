"""`pmlcli keygen`: a key pair to sign models with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmlcli.cli._options import CommonOptions
from pmlcli.cli._target import require_outside_models
from pmlcli.render import text

NameArgument = Annotated[
    Path, typer.Argument(metavar="NAME", help="Writes NAME.key and NAME.pub.", show_default=False)
]


def keygen(name: NameArgument, common: CommonOptions) -> None:
    """Make an Ed25519 key pair: NAME.key to sign with, NAME.pub to check with.

    The private key is not encrypted; only you can read the file. Keep it away from the models, and hand out
    the public key on another way than the models.
    """
    with common.session() as session:
        # Only this command makes keys.
        from pmlcli.store.signing import keygen as make

        private, public = name.with_name(f"{name.name}.key"), name.with_name(f"{name.name}.pub")
        require_outside_models(private)
        key_id = make(private, public)
        session.note(f"wrote {private} (keep it secret) and {public}, key id {key_id}")
        document = {"path": str(public), "private_key": str(private), "key_id": key_id}
        session.outcome("keygen", document, lambda: text.saved_path(document))
