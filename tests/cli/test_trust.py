"""Keys, signatures, digests, upgrades, retraining, and one trainer at a time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pmlcli.errors import PersistenceError
from pmlcli.store import schema
from pmlcli.store.publish import Publication
from tests.cli.conftest import FAST, Run, write_csv
from tests.cli.test_bad_input import assert_refused, files_in

pytest.importorskip("cryptography")


@pytest.fixture
def keys(run: Run, place: Path) -> Path:
    assert run("keygen", "me", "-q").exit_code == 0
    return place


@pytest.fixture
def signed(run: Run, keys: Path, model: Path) -> Path:
    shutil.copytree(model, keys / "signed")
    assert run("sign", "signed", "--private-key", "me.key", "-q").exit_code == 0
    return keys / "signed"


def check(result: object, name: str) -> dict[str, object]:
    report = json.loads(result.stdout)["models"][0]  # type: ignore[attr-defined]
    return next(found for found in report["checks"] if found["check"] == name)


def test_keygen_makes_a_pair_and_keeps_what_is_there(run: Run, place: Path) -> None:
    document = json.loads(run("keygen", "me", "--json").stdout)
    assert document["schema"] == "pmlcli/keygen/1"
    assert len(document["key_id"]) == 64
    assert (place / "me.key").stat().st_mode & 0o777 == 0o600
    before = files_in(place)
    assert_refused(run("keygen", "me"), 2, "me.key", "there already")
    assert files_in(place) == before


def test_a_signed_model_is_verified_and_used(run: Run, signed: Path, csv_log: Path) -> None:
    assert run("keygen", "other", "-q").exit_code == 0
    keys = ("--public-key", "other.pub", "--public-key", "me.pub")
    key_id = json.loads((signed / "manifest.json.sig").read_text())["signatures"][0]["keyid"]
    assert f"key id {key_id}" in run("verify", signed, *keys).stdout
    assert check(run("verify", signed, *keys, "--json"), "signature")["verdict"] == "pass"
    assert run("predict", signed, csv_log, *keys, "-q").exit_code == 0
    other = run("verify", signed, "--public-key", "other.pub", "--json")
    assert (other.exit_code, check(other, "signature")["verdict"]) == (5, "fail")
    assert_refused(run("predict", signed, csv_log, "--public-key", "other.pub"), 5, "not by a given key")


def test_train_signs(run: Run, keys: Path, csv_log: Path) -> None:
    document = json.loads(run("train", csv_log, "-a", FAST, "-o", "m", "--sign", "me.key", "--json").stdout)
    assert document["is_signed"] is True
    assert run("verify", "m", "--public-key", "me.pub").exit_code == 0
    assert_refused(run("train", "none.csv", "-a", FAST, "-o", "n", "--sign", "me.pub"), 2, "me.pub")


def test_no_signature_where_one_is_required(
    run: Run, keys: Path, model: Path, csv_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_refused(run("predict", model, csv_log, "--public-key", "me.pub"), 5, "no signature")
    assert run("verify", model, "--public-key", "me.pub").exit_code == 5
    monkeypatch.setenv("PMLCLI_REQUIRE_SIGNATURE", "1")
    assert_refused(run("predict", model, csv_log), 5, "--public-key")
    assert check(run("verify", model, "--json"), "signature")["verdict"] == "fail"
    monkeypatch.setenv("PMLCLI_PUBLIC_KEY", "me.pub")
    assert_refused(run("predict", model, csv_log), 5, "no signature")


def test_a_signature_says_nothing_about_changed_files(run: Run, signed: Path, csv_log: Path) -> None:
    file = next((signed / "artifacts").glob("*.json"))
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))
    assert_refused(run("predict", signed, csv_log, "--public-key", "me.pub"), 5, file.name)
    manifest = signed / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    assert_refused(run("predict", signed, csv_log, "--public-key", "me.pub"), 5, "another manifest")


def encrypted(place: Path) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    secret = serialization.BestAvailableEncryption(b"x")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    (place / "encrypted").write_bytes(pem)
    return place / "encrypted"


def test_what_is_no_key_is_a_usage_error(run: Run, keys: Path, model: Path, csv_log: Path) -> None:
    (keys / "text").write_text("no key")
    for name in ("me.key", "text", encrypted(keys)):
        assert_refused(run("predict", model, csv_log, "--public-key", name), 2, "public key")
        assert_refused(run("verify", model, "--public-key", name), 2, "public key")
    for name in ("me.pub", "text", encrypted(keys)):
        assert_refused(run("sign", model, "--private-key", name), 2, "private key")
    assert_refused(run("sign", model, "--private-key", "none"), 74, "none")


def test_predict_holds_against_a_digest(run: Run, model: Path, csv_log: Path) -> None:
    digest = json.loads(run("inspect", model, "--json").stdout)["root_digest"]
    arguments = ("predict", model, csv_log, "-q", "--expect-digest")
    assert run(*arguments, digest.upper()).exit_code == 0
    assert_refused(run(*arguments, "0" * 64), 5, digest)


def test_isolated_or_not_the_predictions_are_the_same(run: Run, model: Path, csv_log: Path) -> None:
    arguments = ("predict", model, csv_log, "--cases", "all", "-q")
    assert run(*arguments).stdout_bytes == run(*arguments, "--no-isolation").stdout_bytes
    assert run("verify", model, "--no-isolation").exit_code == 0


def test_retraining_gives_the_same_bytes(run: Run, place: Path) -> None:
    log = write_csv(place / "log.csv", 40)
    how = (
        "--resource",
        "none",
        "--timezone",
        "Europe/Rome",
        "--columns",
        "lifecycle=none",
        "--since",
        "2024-01-09",
    )
    trained = run("train", log, "-a", "isolation-forest", "-p", "n_estimators=20", "-o", "m", *how)
    assert trained.exit_code == 0, trained.stderr
    reading = json.loads((place / "m/manifest.json").read_text())["training_log"]["reading"]
    assert reading["timezone"] == "Europe/Rome"
    result = run("verify", "m", "--retrain", log, "--json")
    assert check(result, "retrain")["verdict"] == "pass", result.stdout
    assert result.exit_code == 0


def test_retraining_on_another_log_is_refused_unless_told(run: Run, place: Path, model: Path) -> None:
    other = write_csv(place / "other.csv", 40, seed=9)
    refused = run("verify", model, "--retrain", other, "--json")
    (finding,) = check(refused, "retrain")["details"]  # type: ignore[misc]
    assert (refused.exit_code, finding["what"]) == (5, "training log")
    told = run("verify", model, "--retrain", other, "--any-log", "--json")
    names = [found["what"] for found in check(told, "retrain")["details"]]  # type: ignore[union-attr]
    assert told.exit_code == 5
    assert "artifacts/reference.json" in names
    assert_refused(run("verify", model, "--any-log"), 2, "--retrain")
    assert_refused(run("verify", model, "--retrain", other, "--level", "replay"), 2, "--level")
    missing = run("verify", model, "--retrain", "none.csv", "--json")
    assert check(missing, "retrain")["verdict"] == "fail"


def test_a_second_training_of_a_name_is_told_before_it_reads(run: Run, place: Path, csv_log: Path) -> None:
    with Publication(place / "m"):
        assert_refused(run("train", "none.csv", "-a", FAST, "-o", "m"), 7, "busy", "--wait")
        assert_refused(run("train", csv_log, "-a", FAST, "-o", "m", "--wait", "0.1"), 7, "busy")
    assert run("train", csv_log, "-a", FAST, "-o", "m", "--wait", "5").exit_code == 0


def test_a_failed_training_leaves_nothing(run: Run, place: Path) -> None:
    assert_refused(run("train", "none.csv", "-a", FAST), 3, "none.csv")
    assert files_in(place) == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_training_leaves_nothing(place: Path, number: signal.Signals) -> None:
    """A signal while the log is read: a FIFO would be refused, so the log comes from stdin."""
    # Who starts the tests under nohup has the signal ignored, here and in every child.
    program = (
        f"import signal; signal.signal({int(number)}, signal.SIG_DFL)\n"
        "from pmlcli.cli.app import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "train", "-", "-a", FAST, "-o", "out/m"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if not k.startswith("PMLCLI_")},
    ) as process:
        while not (place / "out").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == 143, errors
    assert b"terminated" in errors
    assert files_in(place) == {}


# --- upgrade


def test_a_model_of_the_present_schema_is_left_alone(run: Run, place: Path, model: Path) -> None:
    result = run("upgrade", model, "-o", "new", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["is_changed"], document["path"]) == (0, False, str(model))
    assert files_in(place) == {}


@pytest.fixture
def second_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pmlcli of the future: `seed` was called `luck` in schema 1, and canary.json had another name."""

    def manifest(old: dict[str, object]) -> dict[str, object]:
        if old.get("model_id") == "hopeless":
            raise PersistenceError("no way")
        return {("seed" if key == "luck" else key): value for key, value in old.items()}

    def files(old: schema.Files) -> schema.Files:
        return {("canary.json" if name == "bird.json" else name): data for name, data in old.items()}

    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    monkeypatch.setattr("pmlcli.lifecycle.keeping.SCHEMA_VERSION", 2)
    monkeypatch.setitem(schema.STEPS, 1, schema.Step(manifest, files))


def test_an_older_schema_is_read_and_upgraded(
    run: Run, place: Path, model: Path, csv_log: Path, second_schema: None
) -> None:
    shutil.copytree(model, place / "old")
    manifest = place / "old" / "manifest.json"
    text = manifest.read_text().replace('\n  "seed":', '\n  "luck":')
    manifest.write_text(
        text.replace("canary.json", "bird.json").replace('"name": "canary"', '"name": "bird"')
    )
    (place / "old/artifacts/canary.json").rename(place / "old/artifacts/bird.json")
    before = files_in(place)
    assert run("verify", "old").exit_code == 0
    old = run("predict", "old", csv_log, "--cases", "all", "-q").stdout
    document = json.loads(run("upgrade", "old", "-o", "new", "--json").stdout)
    assert (document["from_schema"], document["schema_version"], document["is_changed"]) == (1, 2, True)
    assert {name: data for name, data in files_in(place).items() if name in before} == before
    assert (place / "new/artifacts/canary.json").is_file()
    assert json.loads((place / "new/manifest.json").read_text())["schema_version"] == 2
    assert run("verify", "new").exit_code == 0
    # Each table names the model that it is of; nothing else differs.
    digests = [json.loads(run("inspect", name, "--json").stdout)["root_digest"] for name in ("old", "new")]
    new = run("predict", "new", csv_log, "--cases", "all", "-q").stdout
    assert digests[0] in old
    assert new == old.replace(*digests)
    assert_refused(run("upgrade", "old", "-o", "new"), 2, "--force")


def test_an_upgrade_can_be_signed_and_tells_of_a_lost_signature(
    run: Run, signed: Path, second_schema: None
) -> None:
    assert "sign the new model" in run("upgrade", signed, "-o", "new").stderr
    assert run("verify", "new", "--public-key", "me.pub").exit_code == 5
    assert run("upgrade", signed, "-o", "new", "--force", "--sign", "me.key").exit_code == 0
    assert run("verify", "new", "--public-key", "me.pub").exit_code == 0


def test_an_upgrade_checks_the_old_signature_before_a_byte_is_parsed(
    run: Run, place: Path, signed: Path, second_schema: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("keygen", "other", "-q").exit_code == 0
    by_me, by_other = ("--public-key", "me.pub"), ("--public-key", "other.pub")
    assert run("upgrade", signed, "-o", "new", *by_other, *by_me).exit_code == 0
    shutil.rmtree(place / "new")
    digest = json.loads(run("inspect", signed, "--json").stdout)["root_digest"]
    assert_refused(run("upgrade", signed, "-o", "new", "--expect-digest", "0" * 64), 5, digest)
    (signed / "manifest.json").write_bytes(b"[" * 10**5)
    refused = [(by_other, "another manifest"), (by_me, "another manifest")]
    refused += [
        (("--require-signature",), "no public key"),
        (("--expect-digest", digest), "not the expected"),
    ]
    for options, told in refused:
        assert_refused(run("upgrade", signed, "-o", "new", *options), 5, told)
    monkeypatch.setenv("PMLCLI_REQUIRE_SIGNATURE", "1")
    assert_refused(run("upgrade", signed, "-o", "new"), 5, "no public key")
    assert not (place / "new").exists()


def test_inspect_says_whether_a_signature_is_damaged(run: Run, signed: Path, model: Path) -> None:
    assert "there, not checked" in run("inspect", signed).stdout
    assert json.loads(run("inspect", signed, "--json").stdout)["signature"] == "not checked"
    assert json.loads(run("inspect", model, "--json").stdout)["signature"] == "none"
    (signed / "manifest.json.sig").write_bytes(b"junk")
    assert "damaged: " in run("inspect", signed).stdout
    report = run("verify", signed, "--json")
    assert (report.exit_code, check(report, "signature")["verdict"]) == (5, "fail")


def test_a_newer_schema_is_refused(run: Run, place: Path, model: Path, csv_log: Path) -> None:
    shutil.copytree(model, place / "new")
    manifest = place / "new" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": 1', '"schema_version": 3'))
    for arguments in (["predict", "new", csv_log], ["upgrade", "new", "-o", "x"], ["inspect", "new"]):
        assert_refused(run(*arguments), 4, "newer pmlcli (schema 3")


@pytest.mark.parametrize("command", ["train", "sign", "upgrade"])
def test_a_link_to_a_model_is_told_as_a_link(
    run: Run, model: Path, csv_log: Path, tmp_path: Path, command: str
) -> None:
    shutil.copytree(model, tmp_path / "release-1")
    (tmp_path / "current").symlink_to("release-1")
    run("keygen", tmp_path / "me")
    given = {
        "train": (csv_log, "-a", FAST, "-o", tmp_path / "current", "--force"),
        "sign": (tmp_path / "current", "--private-key", tmp_path / "me.key"),
        "upgrade": (model, "-o", tmp_path / "current"),
    }[command]
    result = run(command, *given)
    assert result.exit_code == 2
    assert "a symbolic link to release-1" in result.stderr
    assert "name the directory that it leads to" in result.stderr
    assert "is not a pmlcli model" not in result.stderr
