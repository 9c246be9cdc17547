"""Saving and reading model directories: what is refused, and that all of it is said."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import (
    BusyError,
    ChecksumMismatchError,
    DamagedModelError,
    IncompatibleVersionError,
    MissingArtifactError,
    OutputError,
    PersistenceError,
    PmlWarning,
    UntrustedArtifactError,
    ValidationError,
)
from pmlcli.store import fsio
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import compare, read_model, read_seal
from pmlcli.store.publish import Publication, old_name, write_file

FILES = {"model.json": b'{"a": 1}\n', "threshold.json": b"0.5\n", "model-coef_.npy": bytes(range(256)) * 300}
Fields = dict[str, Any]


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def model(tmp_path: Path, manifest_fields: Fields) -> Path:
    ArtifactStore().save(tmp_path / "model", manifest_fields, FILES)
    return tmp_path / "model"


def test_round_trip(model: Path, manifest_fields: Fields) -> None:
    loaded = ArtifactStore().load(model)
    assert loaded.files == FILES
    assert loaded.manifest.model_type == manifest_fields["model_type"]
    assert loaded.seal.root_digest == read_seal(model).root_digest
    assert sorted(listing(model)) == ["artifacts", "manifest.json"]
    assert listing(model.parent) == ["model"]


def test_same_bytes_same_digest(tmp_path: Path, manifest_fields: Fields) -> None:
    digests = {ArtifactStore().save(tmp_path / name, manifest_fields, FILES) for name in ("a", "b")}
    assert len(digests) == 1


def test_model_without_artifacts(tmp_path: Path, manifest_fields: Fields) -> None:
    ArtifactStore().save(tmp_path / "m", manifest_fields, {})
    assert read_model(tmp_path / "m").files == {}


@pytest.mark.parametrize("name", ["../model.json", "a/b.json", "model.py", "", ".json", "model", "x.pkl"])
def test_bad_artifact_names_are_not_saved(tmp_path: Path, manifest_fields: Fields, name: str) -> None:
    with pytest.raises(PersistenceError, match="cannot save"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, {name: b""})
    assert listing(tmp_path) == []


def test_missing_field_is_not_saved(tmp_path: Path, manifest_fields: Fields) -> None:
    del manifest_fields["seed"]
    with pytest.raises(PersistenceError, match="seed"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("position", [0, -1])
def test_one_flipped_bit(model: Path, name: str, position: int) -> None:
    path = model / "artifacts" / name
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ChecksumMismatchError, match="SHA-256") as caught:
        read_model(model)
    assert [finding["what"] for finding in caught.value.context["findings"]] == [f"artifacts/{name}"]


def damage_missing(model: Path) -> None:
    (model / "artifacts/model.json").unlink()


def damage_no_artifacts(model: Path) -> None:
    (model / "artifacts").rename(model.parent / "elsewhere")


def damage_truncated(model: Path) -> None:
    os.truncate(model / "artifacts/model.json", 3)


def damage_grown(model: Path) -> None:
    os.truncate(model / "artifacts/model.json", 10**12)


def damage_swapped(model: Path) -> None:
    (model / "artifacts/model.json").rename(model / "artifacts/x")
    (model / "artifacts/threshold.json").rename(model / "artifacts/model.json")
    (model / "artifacts/x").rename(model / "artifacts/threshold.json")


def damage_extra(model: Path) -> None:
    (model / "artifacts/extra.json").write_text("{}")


def damage_extra_at_top(model: Path) -> None:
    (model / "\x1b[31mrun.sh").write_text("true")


def damage_extra_directory(model: Path) -> None:
    (model / "artifacts/sub").mkdir()


def damage_link(model: Path) -> None:
    target = model.parent / "same.json"
    (model / "artifacts/model.json").rename(target)
    (model / "artifacts/model.json").symlink_to(target)


def damage_linked_artifacts(model: Path) -> None:
    (model / "artifacts").rename(model.parent / "elsewhere")
    (model / "artifacts").symlink_to(model.parent / "elsewhere")


def damage_linked_manifest(model: Path) -> None:
    (model / "manifest.json").rename(model.parent / "m.json")
    (model / "manifest.json").symlink_to(model.parent / "m.json")


def damage_pipe(model: Path) -> None:
    (model / "artifacts/model.json").unlink()
    os.mkfifo(model / "artifacts/model.json")


def damage_manifest_pipe(model: Path) -> None:
    (model / "manifest.json").unlink()
    os.mkfifo(model / "manifest.json")


def damage_socket(model: Path) -> None:
    (model / "artifacts/model.json").unlink()
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(model / "artifacts")  # a socket's path may have about 100 characters only
    server.bind("model.json")
    os.chdir(here)
    server.close()


def damage_directory(model: Path) -> None:
    (model / "artifacts/model.json").unlink()
    (model / "artifacts/model.json").mkdir()


def damage_artifacts_file(model: Path) -> None:
    (model / "artifacts").rename(model.parent / "elsewhere")
    (model / "artifacts").write_text("")


def damage_signature_pipe(model: Path) -> None:
    os.mkfifo(model / "manifest.json.sig")


def damage_manifest_cut(model: Path) -> None:
    os.truncate(model / "manifest.json", 40)


def damage_manifest_huge(model: Path) -> None:
    os.truncate(model / "manifest.json", 10**12)


def damage_no_manifest(model: Path) -> None:
    (model / "manifest.json").unlink()


def damage_newer_schema(model: Path) -> None:
    text = (model / "manifest.json").read_text()
    (model / "manifest.json").write_text(text.replace('"schema_version": 1', '"schema_version": 2'))


DAMAGES: dict[Callable[[Path], None], tuple[type[PersistenceError], str]] = {
    damage_missing: (MissingArtifactError, "model.json"),
    damage_no_artifacts: (MissingArtifactError, "model.json"),
    damage_truncated: (ChecksumMismatchError, "3 bytes"),
    damage_grown: (ChecksumMismatchError, "1000000000000 bytes"),
    damage_swapped: (ChecksumMismatchError, "model.json"),
    damage_extra: (UntrustedArtifactError, "extra.json"),
    damage_extra_at_top: (UntrustedArtifactError, r"\\x1b"),
    damage_extra_directory: (UntrustedArtifactError, "sub"),
    damage_link: (UntrustedArtifactError, "symbolic link"),
    damage_linked_artifacts: (UntrustedArtifactError, "symbolic link"),
    damage_linked_manifest: (UntrustedArtifactError, "symbolic link"),
    damage_pipe: (UntrustedArtifactError, "a pipe"),
    damage_manifest_pipe: (UntrustedArtifactError, "a pipe"),
    damage_socket: (UntrustedArtifactError, "a socket"),
    damage_directory: (UntrustedArtifactError, "a directory"),
    damage_artifacts_file: (UntrustedArtifactError, "a file"),
    damage_signature_pipe: (UntrustedArtifactError, "a pipe"),
    damage_manifest_cut: (DamagedModelError, "line 4"),
    damage_manifest_huge: (DamagedModelError, "more than"),
    damage_no_manifest: (MissingArtifactError, "manifest.json"),
    damage_newer_schema: (IncompatibleVersionError, "newer pmlcli"),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_refused_by_reading_and_comparing(model: Path, damage: Callable[[Path], None]) -> None:
    damage(model)
    error, text = DAMAGES[damage]
    with pytest.raises(error, match=text) as caught:
        read_model(model)
    assert type(caught.value) is error
    assert caught.value.exit_code == (4 if error is IncompatibleVersionError else 5)
    try:
        _, difference = compare(model, contents=True)
    except PersistenceError as again:
        assert type(again) is error
    else:
        assert type(difference.error(model)) is error
        assert [finding.to_dict() for finding in difference.findings] == caught.value.context["findings"]


def test_every_finding_is_listed(model: Path) -> None:
    damage_extra(model)
    damage_missing(model)
    (model / "artifacts/threshold.json").write_bytes(b"0.6\n")
    os.truncate(model / "artifacts/model-coef_.npy", 9)
    with pytest.raises(UntrustedArtifactError) as caught:
        read_model(model)
    assert len(caught.value.context["findings"]) == 4


def test_structure_alone_reads_no_artifact(model: Path) -> None:
    (model / "artifacts/threshold.json").write_bytes(b"0.6\n")
    assert compare(model, contents=False)[1].findings == ()
    assert len(compare(model, contents=True)[1].changed) == 1


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("x")])
def test_no_model(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "m")
    with pytest.raises(PersistenceError, match=r"no model|not a pmlcli model") as caught:
        read_model(tmp_path / "m")
    assert caught.value.code == "model.absent"


def test_seal_is_checked_before_the_manifest_is_parsed(model: Path) -> None:
    (model / "manifest.json").write_bytes(b"[" * 10)
    seen: list[tuple[bytes, bytes | None]] = []

    def refuse(manifest: bytes, signature: bytes | None) -> None:
        seen.append((manifest, signature))
        raise PersistenceError("nobody vouches for it")

    with pytest.raises(PersistenceError, match="nobody vouches"):
        read_model(model, check_seal=refuse)
    assert seen == [(b"[" * 10, None)]


def test_reader_starts_again_when_the_model_is_exchanged(
    model: Path, manifest_fields: Fields, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"model.json": b"[]"}
    calls: list[str] = []

    def exchange_once(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == "open_file" and args[0] == "threshold.json" and not calls:
            calls.append(name)
            ArtifactStore().save(model, manifest_fields, new, force=True)
        return call()

    monkeypatch.setattr(fsio, "intercept", exchange_once)
    assert read_model(model).files == new
    assert calls


def test_reader_finds_the_old_model_while_it_stands_aside(model: Path) -> None:
    model.rename(model.with_name(old_name(model.name)))
    with pytest.warns(PmlWarning, match=r"read \.model\.old beside it"):
        assert read_model(model).files == FILES


def test_existing_model_is_replaced_only_with_force(model: Path, manifest_fields: Fields) -> None:
    with pytest.raises(ValidationError, match="a model already") as caught:
        ArtifactStore().save(model, manifest_fields, {})
    assert caught.value.exit_code == 2
    assert read_model(model).files == FILES
    ArtifactStore().save(model, manifest_fields, {}, force=True)
    assert read_model(model).files == {}
    assert listing(model.parent) == ["model"]


def with_notes(path: Path, fields: Fields) -> None:
    ArtifactStore().save(path, fields, FILES)
    (path / "notes.txt").write_text("mine")


def with_sub_directory(path: Path, fields: Fields) -> None:
    ArtifactStore().save(path, fields, FILES)
    (path / "artifacts/mine").mkdir()


def other_manifest(path: Path, fields: Fields) -> None:
    path.mkdir()
    (path / "manifest.json").write_text('{"name": "my web app"}')


STRANGERS: list[Callable[[Path, Fields], object]] = [
    lambda path, fields: path.write_text("mine"),
    lambda path, fields: path.mkdir(),
    lambda path, fields: (path / "src").mkdir(parents=True),
    lambda path, fields: path.symlink_to("/"),
    other_manifest,
    with_notes,
    with_sub_directory,
]


@pytest.mark.parametrize("number", range(len(STRANGERS)))
def test_what_is_no_model_is_never_replaced(tmp_path: Path, manifest_fields: Fields, number: int) -> None:
    STRANGERS[number](tmp_path / "m", manifest_fields)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValidationError, match=r"refused to replace|symbolic link"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, {}, force=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"precious", b"1" * 30])
def test_a_file_that_is_no_lock_keeps_its_content(
    tmp_path: Path, manifest_fields: Fields, content: bytes
) -> None:
    (tmp_path / ".m.lock").write_bytes(content)
    with pytest.raises(OutputError, match="is not a lock of pmlcli"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert (tmp_path / ".m.lock").read_bytes() == content
    assert listing(tmp_path) == [".m.lock"]


def test_a_lock_that_is_a_hard_link_is_not_written(tmp_path: Path, manifest_fields: Fields) -> None:
    (tmp_path / "precious").write_bytes(b"1")
    (tmp_path / ".m.lock").hardlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="is not a lock of pmlcli"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert (tmp_path / "precious").read_bytes() == b"1"


def test_an_endless_leftover_blocks_nothing(tmp_path: Path, manifest_fields: Fields) -> None:
    deep = tmp_path / f".m.tmp-1-{'a' * 16}"
    (deep / "/".join("d" * 100)).mkdir(parents=True)
    with pytest.warns(PmlWarning, match="too deep"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert read_model(tmp_path / "m").files == FILES


def test_second_writer_is_busy(tmp_path: Path, manifest_fields: Fields) -> None:
    with Publication(tmp_path / "m") as publication:
        assert publication.refuse_existing(force=False) is False
        with pytest.raises(BusyError, match=f"process {os.getpid()}") as caught:
            ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
        assert caught.value.context["pid"] == os.getpid()
        ArtifactStore().save(tmp_path / "other", manifest_fields, FILES)
        ArtifactStore().save_in(publication, manifest_fields, FILES)
    assert sorted(listing(tmp_path)) == ["m", "other"]


@pytest.mark.parametrize("number", fsio.UNSUPPORTED)
@pytest.mark.parametrize("replace", [False, True])
def test_fallback_where_the_kernel_cannot_exchange(
    tmp_path: Path, manifest_fields: Fields, monkeypatch: pytest.MonkeyPatch, number: int, replace: bool
) -> None:
    def unsupported(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("exchange", "rename_new"):
            raise OSError(number, "not here")
        return call()

    if replace:
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    monkeypatch.setattr(fsio, "intercept", unsupported)
    ArtifactStore().save(tmp_path / "m", manifest_fields, {}, force=replace)
    assert read_model(tmp_path / "m").files == {}
    assert listing(tmp_path) == ["m"]


def test_image_layer_is_named(
    tmp_path: Path, manifest_fields: Fields, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_layer(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("exchange", "rename_new"):
            raise OSError(18, "Invalid cross-device link")
        return call()

    monkeypatch.setattr(fsio, "intercept", other_layer)
    with pytest.raises(OutputError) as caught:
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert "image layer" in str(caught.value.hint)
    assert listing(tmp_path) == []


def test_missing_parents_are_made(tmp_path: Path, manifest_fields: Fields) -> None:
    ArtifactStore().save(tmp_path / "a/b/m", manifest_fields, FILES)
    assert read_model(tmp_path / "a/b/m").files == FILES


def test_sweep_takes_only_its_own_leftovers(tmp_path: Path, manifest_fields: Fields) -> None:
    mine = tmp_path / f".m.tmp-1-{'0' * 16}"
    (mine / "artifacts").mkdir(parents=True)
    kept = [".m.tmp-x", f".mm.tmp-1-{'0' * 16}", ".m.old", f".m.tmp-1-{'0' * 16}.lock"]
    for name in kept:
        (tmp_path / name).mkdir()
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert sorted(listing(tmp_path)) == sorted([*kept, "m"])


def test_write_file_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_file(path, (b"a%d\n" % number for number in range(3)))
    assert path.read_bytes() == b"a0\na1\na2\n"
    with pytest.raises(ValidationError, match="there already"):
        write_file(path, b"new")

    def broken() -> Any:
        yield b"half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_file(path, broken(), force=True)
    assert path.read_bytes() == b"a0\na1\na2\n"
    write_file(path, b"new", force=True)
    assert path.read_bytes() == b"new"
    assert listing(tmp_path) == ["out.csv"]


def test_write_file_follows_links_and_spares_devices(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real/out.csv")
    write_file(tmp_path / "link.csv", b"x")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real/out.csv").read_bytes() == b"x"
    write_file("/dev/null", b"x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(ValidationError, match="a directory"):
        write_file(tmp_path, b"x", force=True)


@pytest.mark.parametrize("leads_to", ["model", "no-model", "nothing"])
@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_named_with_what_it_leads_to(
    tmp_path: Path, manifest_fields: Fields, leads_to: str, force: bool
) -> None:
    ArtifactStore().save(tmp_path / "model", manifest_fields, FILES)
    (tmp_path / "no-model").mkdir()
    (tmp_path / "link").symlink_to(leads_to)
    with pytest.raises(ValidationError, match=f"link: a symbolic link to {leads_to}") as caught:
        ArtifactStore().save(tmp_path / "link", manifest_fields, {}, force=force)
    assert "name the directory" in str(caught.value.hint)
    assert read_model(tmp_path / "model").files == FILES
