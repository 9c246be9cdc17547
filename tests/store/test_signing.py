"""Signatures: what passes, and everything that must not."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import OutputError, PersistenceError, SignatureError, ValidationError
from pmlcli.lifecycle.inspection import inspect_model
from pmlcli.store import fsio
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import MAX_SIGNATURE_BYTES, read_model
from pmlcli.store.manifest import MANIFEST_NAME, SIGNATURE_NAME
from pmlcli.store.signing import checker, keygen, signer
from pmlcli.store.verification import verify

pytest.importorskip("cryptography")
FILES = {"model.json": b"{}"}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    for name in ("mine", "other"):
        keygen(tmp_path / f"keys/{name}.pem", tmp_path / f"keys/{name}.pub")
    return tmp_path / "keys"


@pytest.fixture
def signed(tmp_path: Path, keys: Path, manifest_fields: dict[str, Any]) -> Path:
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES, sign=signer(keys / "mine.pem"))
    return tmp_path / "m"


def ec_pair(directory: Path, curve: str, *, password: bytes | None = None) -> tuple[Path, Path]:
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(getattr(ec, curve)())
    lock = forms.BestAvailableEncryption(password) if password else forms.NoEncryption()
    private, public = directory / "ec.pem", directory / "ec.pub"
    private.write_bytes(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock))
    public.write_bytes(
        key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def test_signed_model_passes_with_its_key_among_others(signed: Path, keys: Path) -> None:
    check = checker([keys / "other.pub", keys / "mine.pub"])
    assert read_model(signed, check_seal=check).files == FILES
    found = verify(signed, check_signature=check)
    assert [result.verdict for result in found.results[:3]] == ["pass", "pass", "pass"]
    assert verify(signed).results[2].verdict == "skipped"


def test_a_reader_starts_again_when_the_model_is_exchanged_before_its_signature_is_read(
    signed: Path, keys: Path, manifest_fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    new, exchanged = {"model.json": b"[]"}, []

    def exchange_once(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == "open_file" and args[0] == "manifest.json" and not exchanged:
            exchanged.append(name)
            result = call()
            ArtifactStore().save(signed, manifest_fields, new, force=True, sign=signer(keys / "mine.pem"))
            return result
        return call()

    monkeypatch.setattr(fsio, "intercept", exchange_once)
    assert read_model(signed, check_seal=checker([keys / "mine.pub"])).files == new
    assert exchanged


def test_private_key_is_for_its_owner_alone(keys: Path) -> None:
    assert stat.S_IMODE((keys / "mine.pem").stat().st_mode) == 0o600


def test_keygen_replaces_nothing(keys: Path) -> None:
    with pytest.raises(ValidationError, match="there already"):
        keygen(keys / "mine.pem", keys / "new.pub")


def test_p256(tmp_path: Path, keys: Path, manifest_fields: dict[str, Any]) -> None:
    private, public = ec_pair(tmp_path, "SECP256R1")
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES, sign=signer(private))
    assert read_model(tmp_path / "m", check_seal=checker([public])).files == FILES
    with pytest.raises(SignatureError):
        read_model(tmp_path / "m", check_seal=checker([keys / "mine.pub"]))


def test_signing_a_model_that_is_there(tmp_path: Path, keys: Path, manifest_fields: dict[str, Any]) -> None:
    digest = ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert ArtifactStore().sign(tmp_path / "m", signer(keys / "mine.pem")) == digest
    assert read_model(tmp_path / "m", check_seal=checker([keys / "mine.pub"])).seal.root_digest == digest


def envelope_edit(**changes: Any) -> Callable[[Path], None]:
    def edit(model: Path) -> None:
        path = model / "manifest.json.sig"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def manifest_edit(model: Path) -> None:
    path = model / "manifest.json"
    path.write_text(path.read_text().replace('"p2p"', '"o2c"'))


def manifest_and_payload_edit(model: Path) -> None:
    manifest_edit(model)
    payload = base64.b64encode((model / "manifest.json").read_bytes()).decode()
    envelope_edit(payload=payload)(model)


def flipped_signature(model: Path) -> None:
    path = model / "manifest.json.sig"
    value = json.loads(path.read_text())
    signature = bytearray(base64.b64decode(value["signatures"][0]["sig"]))
    signature[3] ^= 1
    value["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    path.write_text(json.dumps(value))


TAMPERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (lambda model: (model / "manifest.json.sig").unlink(), "no signature"),
    "empty": (lambda model: (model / "manifest.json.sig").write_bytes(b""), "invalid JSON"),
    "cut": (lambda model: (model / "manifest.json.sig").write_bytes(b'{"payload'), "invalid JSON"),
    "list": (lambda model: (model / "manifest.json.sig").write_bytes(b"[]"), "malformed"),
    "huge": (lambda model: (model / "manifest.json.sig").write_bytes(b" " * 3_000_000), "more than"),
    "kind": (envelope_edit(payloadType="text/plain"), "another kind"),
    "no_signatures": (envelope_edit(signatures=[]), "another kind"),
    "odd_signature": (envelope_edit(signatures=[{"keyid": "0" * 64, "sig": "!"}]), "malformed"),
    "odd_key": (envelope_edit(signatures=[{"keyid": "x", "sig": ""}]), "names no key"),
    "stranger": (envelope_edit(signatures=[{"keyid": "0" * 64, "sig": ""}]), "not by a given key"),
    "flipped": (flipped_signature, "does not match"),
    "payload": (envelope_edit(payload=""), "another manifest"),
    "manifest": (manifest_edit, "another manifest"),
    "manifest_and_payload": (manifest_and_payload_edit, "does not match"),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_is_refused_with_exit_5(signed: Path, keys: Path, name: str) -> None:
    tamper, message = TAMPERS[name]
    tamper(signed)
    check = checker([keys / "mine.pub"])
    with pytest.raises(SignatureError, match=message) as caught:
        read_model(signed, check_seal=check)
    assert caught.value.exit_code == 5
    assert verify(signed, check_signature=check).results[2].verdict == "fail"


def test_other_key(signed: Path, keys: Path) -> None:
    with pytest.raises(SignatureError, match="not by a given key"):
        read_model(signed, check_seal=checker([keys / "other.pub"]))


def test_sound_signature_over_damaged_files(signed: Path, keys: Path) -> None:
    (signed / "artifacts/model.json").write_bytes(b"[]")
    with pytest.raises(PersistenceError, match="SHA-256") as caught:
        read_model(signed, check_seal=checker([keys / "mine.pub"]))
    assert caught.value.exit_code == 5


def test_a_second_unlisted_file_is_refused(signed: Path, keys: Path) -> None:
    (signed / "model.sig").write_bytes(b"")
    with pytest.raises(PersistenceError, match="not listed"):
        read_model(signed, check_seal=checker([keys / "mine.pub"]))


def test_bad_keys(tmp_path: Path, keys: Path) -> None:
    with pytest.raises(ValidationError, match="public key"):
        checker([keys / "mine.pem"])
    with pytest.raises(ValidationError, match="private key"):
        signer(keys / "mine.pub")
    with pytest.raises(ValidationError, match="Ed25519 or P-256"):
        checker([ec_pair(tmp_path, "SECP384R1")[1]])
    with pytest.raises(ValidationError, match="unencrypted"):
        signer(ec_pair(tmp_path, "SECP256R1", password=b"x")[0])
    with pytest.raises(OutputError):
        checker([tmp_path / "none"])
    with pytest.raises(ValidationError, match="no public key given"):
        checker([])


def test_a_file_of_several_keys_gives_all_of_them(signed: Path, keys: Path, tmp_path: Path) -> None:
    mine, other = (keys / "mine.pub").read_bytes(), (keys / "other.pub").read_bytes()
    one = checker([keys / "mine.pub"])(
        (signed / MANIFEST_NAME).read_bytes(), (signed / SIGNATURE_NAME).read_bytes()
    )
    for content in (mine + other, other + mine, b"two keys\n" + other + b"\nand\n" + mine):
        (tmp_path / "both.pub").write_bytes(content)
        check = checker([tmp_path / "both.pub"])
        (check,) = (
            check for check in verify(signed, check_signature=check).results if check.check == "signature"
        )
        assert check.verdict == "pass"
        assert [detail["found"] for detail in check.details] == [one]


@pytest.mark.parametrize("second", ["private", "certificate", "cut off", "another curve", "very long"])
def test_a_file_that_holds_anything_else_beside_a_key_is_refused(
    keys: Path, tmp_path: Path, second: str
) -> None:
    mine = (keys / "mine.pub").read_bytes()
    beside = {
        "private": (keys / "other.pem").read_bytes(),
        "certificate": mine.replace(b"PUBLIC KEY", b"CERTIFICATE"),
        "cut off": mine[:-12],
        "another curve": ec_pair(tmp_path, "SECP384R1")[1].read_bytes(),
        "very long": b"#" * 100_000 + mine,
    }[second]
    for content in (mine + beside, beside + mine):
        (tmp_path / "keys.pub").write_bytes(content)
        with pytest.raises(ValidationError, match=r"keys\.pub: not "):
            checker([tmp_path / "keys.pub"])


def test_two_private_keys_sign_nothing(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_bytes((keys / "mine.pem").read_bytes() + (keys / "other.pem").read_bytes())
    with pytest.raises(ValidationError, match="several") as caught:
        signer(tmp_path / "both.pem")
    assert "file of its own" in str(caught.value.hint)


def envelope(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps(json.loads(data) | changes).encode()


def first_signature(**changes: Any) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        document = json.loads(data)
        document["signatures"][0] |= changes
        return json.dumps(document).encode()

    return change


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "junk": lambda data: b"junk",
    "nothing": lambda data: b"",
    "cut off": lambda data: data[:-20],
    "a list": lambda data: b"[]",
    "deep": lambda data: b"[" * 10**5,
    "endless": lambda data: b" " * (MAX_SIGNATURE_BYTES + 1),
    "another kind": envelope(payloadType="text/plain"),
    "no signature in it": envelope(signatures=[]),
    "eleven signatures": lambda data: envelope(signatures=json.loads(data)["signatures"] * 11)(data),
    "of another manifest": envelope(payload=base64.b64encode(b"{}").decode()),
    "payload that is no base64": envelope(payload="*"),
    "a key without a name": first_signature(keyid="\x1b[31m"),
    "a signature that is no base64": first_signature(sig="*"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_signature_is_told_without_a_key(signed: Path, name: str) -> None:
    place = signed / "manifest.json.sig"
    place.write_bytes(DAMAGED[name](place.read_bytes()))
    check = verify(signed, "signature").results[2]
    assert (check.check, check.verdict) == ("signature", "fail")
    assert check.details[0]["what"] == "manifest.json.sig"
    assert inspect_model(signed)["signature"].startswith("damaged: ")


UNCHECKED: dict[str, Callable[[bytes], bytes]] = {
    "as it was made": lambda data: data,
    "by another key": first_signature(keyid="0" * 64),
    "of other bytes": first_signature(sig=base64.b64encode(b"x" * 64).decode()),
}


@pytest.mark.parametrize("name", UNCHECKED)
def test_a_signature_that_takes_a_key_is_not_checked_without_one(signed: Path, name: str) -> None:
    place = signed / "manifest.json.sig"
    place.write_bytes(UNCHECKED[name](place.read_bytes()))
    check = verify(signed, "signature").results[2]
    assert check.verdict == "skipped"
    assert "no public key" in check.details[0]["found"]
    assert inspect_model(signed)["signature"] == "not checked"


def test_an_unsigned_card_says_so(tmp_path: Path, manifest_fields: dict[str, Any]) -> None:
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert inspect_model(tmp_path / "m")["signature"] == "none"
    assert verify(tmp_path / "m", "signature").results[2].verdict == "skipped"
