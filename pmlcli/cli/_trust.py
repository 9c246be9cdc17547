"""Options about whom to trust, and how far: signatures, a digest kept elsewhere, isolation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli._group import LIMIT, PLACE, TRUST, options
from pmlcli.errors import SignatureError

if TYPE_CHECKING:
    from pmlcli.lifecycle.model import Model
    from pmlcli.store.directory import SealCheck

_TRUST = "Trust"

PrivateKeyOption = Annotated[
    Path | None,
    PLACE,
    typer.Option(
        "--sign", metavar="KEY", help="Sign the model with this private key (PEM).", rich_help_panel=_TRUST
    ),
]
WaitOption = Annotated[
    float,
    LIMIT,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="How long to wait if another process is writing the same model.",
    ),
]


@options
class SealOptions:
    """What a model must show before it is believed."""

    public_key: Annotated[
        list[Path] | None,
        TRUST,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="The model must be signed by the owner of this public key (PEM). Repeatable: any will do.",
            rich_help_panel=_TRUST,
            show_default=False,
        ),
    ] = None
    require_signature: Annotated[
        bool,
        TRUST,
        typer.Option(
            "--require-signature",
            help="Refuse a model unless --public-key shows who signed it.",
            rich_help_panel=_TRUST,
        ),
    ] = False
    expect_digest: Annotated[
        str | None,
        TRUST,
        typer.Option(
            "--expect-digest",
            metavar="HEX",
            help="The root digest that the model must have, as `train` printed it.",
            rich_help_panel=_TRUST,
        ),
    ] = None

    def signature_check(self) -> SealCheck | None:
        """The check of manifest and signature bytes that these options ask for.

        Raises ValidationError for a file that holds no public key, MissingDependencyError without the
        extra `sign`.
        """
        if self.public_key:
            # Only who gives a key needs the library.
            from pmlcli.store.signing import checker

            return checker(self.public_key)
        return _refuse_unsigned if self.require_signature else None

    def seal_check(self) -> SealCheck | None:
        """As `signature_check`, and the digest too: for who is to read the model, not to report on it."""
        check, expected = self.signature_check(), self.expect_digest
        if expected is None:
            return check

        def both(manifest: bytes, signature: bytes | None) -> None:
            # hashlib alone would do, but one place decides what the digest is.
            from pmlcli.store.manifest import root_digest

            if check is not None:
                check(manifest, signature)
            if root_digest(manifest) != expected.strip().lower():
                raise _other_digest(root_digest(manifest))

        return both


@options
class TrustOptions(SealOptions):
    """What a model must show before it is believed, and how far it is."""

    isolation: Annotated[
        bool,
        TRUST,
        typer.Option(
            "--isolation/--no-isolation",
            help="Run the model in a confined process, or in this one.",
            rich_help_panel=_TRUST,
        ),
    ] = True

    def load(self, path: Path) -> Model:
        """The model at `path`, once it has shown what these options ask for."""
        # The model's library takes time to import.
        from pmlcli.lifecycle.model import Model

        return Model.load(path, check_seal=self.seal_check(), trusted=not self.isolation)


def _refuse_unsigned(_manifest: bytes, _signature: bytes | None) -> None:
    raise SignatureError(
        "a signature is required, but there is no public key to check it with", hint="give --public-key FILE"
    )


def _other_digest(found: str) -> SignatureError:
    return SignatureError(
        f"not the expected model: its root digest is {found}",
        hint="another model was put here; `pmlcli inspect` shows which",
        code="model.digest",
        context={"found": found},
    )


def signer_for(key: Path | None) -> Any:
    """A function that signs with this key, read before any work is done; None without a key."""
    if key is None:
        return None
    # Only who signs needs the library.
    from pmlcli.store.signing import signer

    return signer(key)
