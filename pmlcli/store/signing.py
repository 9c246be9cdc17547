"""Signatures over a manifest: DSSE envelopes, Ed25519 or ECDSA P-256, in `manifest.json.sig`.

The manifest lists every file with its checksum, so one signature over its bytes covers the model. A
signature says who vouched, not that the model is new: `--expect-digest` answers an old one put back.
Needs `cryptography` (extra `sign`).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pmlcli.errors import (
    MissingDependencyError,
    OutputError,
    PersistenceError,
    SignatureError,
    ValidationError,
)
from pmlcli.store import strictjson
from pmlcli.store.directory import MAX_SIGNATURE_BYTES
from pmlcli.store.publish import write_file

PAYLOAD_TYPE = "application/vnd.pmlcli.manifest+json"
_MAX_SIGNATURES = 10
_MAX_KEY_BYTES = 100_000
_MAX_KEYS = 100
_BEGINNING = b"-----BEGIN "
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----")


def keygen(private_path: Path | str, public_path: Path | str) -> str:
    """Make an Ed25519 key pair as two PEM files; returns the key's id.

    Neither file may exist. The private key is written for its owner alone.
    """
    crypto = _crypto()
    private = crypto.ed25519.Ed25519PrivateKey.generate()
    serialization = crypto.serialization
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_file(private_path, secret, mode=0o600)
    write_file(public_path, public)
    return _key_id(crypto, private.public_key())


def signer(private_path: Path | str) -> Callable[[bytes], bytes]:
    """A function that turns manifest bytes into the bytes of `manifest.json.sig`.

    Raises `ValidationError` when the file holds no unencrypted Ed25519 or P-256 private key.
    """
    crypto = _crypto()
    data = _read_key(private_path)
    if data.count(b"PRIVATE KEY-----") > 2:  # noqa: PLR2004 (the beginning and end of one key)
        raise _bad_key(private_path, "one private key but several", hint="give each a file of its own")
    try:
        key = crypto.serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm) as error:
        raise _bad_key(private_path, "an unencrypted Ed25519 or P-256 private key in PEM") from error
    _require_kind(crypto, key.public_key(), private_path)
    return lambda manifest: _envelope(crypto, key, manifest)


def is_signed_by(private_path: Path | str, manifest: bytes, signature: bytes | None) -> bool:
    """Whether this key made one of the signatures; raises as `signer` does for what is no private key."""
    crypto, made = _crypto(), signer(private_path)
    if signature is None or damage(manifest, signature) is not None:
        return False
    (key_id, _own), *_others = _entries(manifest, made(manifest))
    key = crypto.serialization.load_pem_private_key(_read_key(private_path), password=None).public_key()
    message = _signed_bytes(manifest)
    entries = [signed for known, signed in _entries(manifest, signature) if known == key_id]
    return any(_is_valid(crypto, key, signed, message) for signed in entries)


def checker(public_paths: Sequence[Path | str]) -> Callable[[bytes, bytes | None], str]:
    """A check of manifest bytes and signature bytes against any of these public keys.

    A file may hold several keys. The check returns the id of the key that signed. It raises
    `SignatureError` (exit 5) when there is no signature, or none by these keys, and looks at no byte of the
    manifest beyond the signature over all of them. Raises `ValidationError` for a file that holds no public
    key, or anything else beside its keys.
    """
    crypto = _crypto()
    found = [key for path in public_paths for key in _load_public(crypto, path)]
    keys = {_key_id(crypto, key): key for key in found}
    if not keys:
        raise ValidationError("no public key given", hint="give --public-key FILE")
    return lambda manifest, signature: _check(crypto, keys, manifest, signature)


class _Crypto:
    """The parts of `cryptography` in use, imported when first needed."""

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # optional
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        self.InvalidSignature = InvalidSignature
        self.UnsupportedAlgorithm = UnsupportedAlgorithm
        self.hashes = hashes
        self.serialization = serialization
        self.ec = ec
        self.ed25519 = ed25519


def _crypto() -> _Crypto:
    if importlib.util.find_spec("cryptography") is None:
        raise MissingDependencyError("cryptography", extra="sign", needed_by="signing")
    return _Crypto()


def _read_key(path: Path | str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}", context={"path": str(path)}) from error
    if len(data) > _MAX_KEY_BYTES:
        raise _bad_key(path, f"a file of keys: more than {_MAX_KEY_BYTES} bytes")
    return data


def _bad_key(
    path: Path | str, wanted: str, *, hint: str = "make a pair with `pmlcli keygen`"
) -> ValidationError:
    return ValidationError(f"{path}: not {wanted}", hint=hint, context={"path": str(path)})


def _require_kind(crypto: _Crypto, key: Any, path: Path | str) -> None:
    is_p256 = isinstance(key, crypto.ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    if not is_p256 and not isinstance(key, crypto.ed25519.Ed25519PublicKey):
        raise _bad_key(path, "an Ed25519 or P-256 key")


def _load_public(crypto: _Crypto, path: Path | str) -> list[Any]:
    """Every key of the file: the library reads the first alone, and says nothing of the others."""
    data = _read_key(path)
    blocks = [match.group() for match in _BLOCK.finditer(data)]
    if len(blocks) != data.count(_BEGINNING) or not 1 <= len(blocks) <= _MAX_KEYS:
        raise _bad_key(path, f"an Ed25519 or P-256 public key in PEM, or at most {_MAX_KEYS} of them")
    return [_public_key(crypto, block, path) for block in blocks]


def _public_key(crypto: _Crypto, block: bytes, path: Path | str) -> Any:
    try:
        key = crypto.serialization.load_pem_public_key(block)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm) as error:
        raise _bad_key(path, "an Ed25519 or P-256 public key in PEM") from error
    _require_kind(crypto, key, path)
    return key


def _key_id(crypto: _Crypto, public_key: Any) -> str:
    """SHA-256 of the key's standard DER form, in hex."""
    serialization = crypto.serialization
    der = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _signed_bytes(manifest: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of type and payload."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(manifest), manifest)


def _envelope(crypto: _Crypto, key: Any, manifest: bytes) -> bytes:
    message = _signed_bytes(manifest)
    if isinstance(key, crypto.ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    else:
        signature = key.sign(message, crypto.ec.ECDSA(crypto.hashes.SHA256()))
    entry = {"keyid": _key_id(crypto, key.public_key()), "sig": base64.b64encode(signature).decode()}
    payload = base64.b64encode(manifest).decode()
    return strictjson.dump({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [entry]})


def damage(manifest: bytes, signature: bytes) -> str | None:
    """Why no key would ever find that this signature is of this manifest; None when it takes a key to tell.

    Needs no library.
    """
    try:
        _entries(manifest, signature)
    except SignatureError as error:
        return error.message
    return None


def _entries(manifest: bytes, signature: bytes) -> list[tuple[str, bytes]]:
    payload, entries = _parts(signature)
    if payload != manifest:
        raise SignatureError("the signature is of another manifest")
    return entries


def _check(crypto: _Crypto, keys: dict[str, Any], manifest: bytes, signature: bytes | None) -> str:
    if signature is None:
        raise SignatureError("no signature", hint="sign the model with `pmlcli sign`, or drop --public-key")
    entries = _entries(manifest, signature)
    message = _signed_bytes(manifest)
    for key_id, signed in entries:
        key = keys.get(key_id)
        if key is not None and _is_valid(crypto, key, signed, message):
            return key_id
    known = [key_id for key_id, _ in entries if key_id in keys]
    if known:
        raise SignatureError("the signature does not match the manifest", context={"key_id": known[0]})
    ids = ", ".join(key_id[:16] for key_id, _ in entries)
    raise SignatureError(
        f"the signature is by key {ids}, not by a given key",
        context={"found": [key_id for key_id, _ in entries]},
    )


def _is_valid(crypto: _Crypto, key: Any, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, crypto.ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, crypto.ec.ECDSA(crypto.hashes.SHA256()))
    except crypto.InvalidSignature:
        return False
    return True


def _parts(signature: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The payload of an envelope, and its key ids and signatures."""
    try:
        value = strictjson.parse(signature, source="manifest.json.sig", max_bytes=MAX_SIGNATURE_BYTES)
    except PersistenceError as error:
        raise SignatureError(error.message) from error
    try:
        if value["payloadType"] != PAYLOAD_TYPE or not 1 <= len(value["signatures"]) <= _MAX_SIGNATURES:
            raise SignatureError("the signature file is of another kind")
        payload = base64.b64decode(value["payload"], validate=True)
        entries = [
            (_checked_id(entry["keyid"]), base64.b64decode(entry["sig"], validate=True))
            for entry in value["signatures"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise SignatureError("the signature file is malformed") from error
    return payload, entries


def _checked_id(key_id: Any) -> str:
    if not isinstance(key_id, str) or len(key_id) != 64 or not set(key_id) <= set("0123456789abcdef"):
        raise SignatureError("the signature file names no key")
    return key_id
