"""The checks of `verify`: which says what."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import PersistenceError, SignatureError, ValidationError
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import ModelFiles
from pmlcli.store.verification import CHECKS, CheckResult, Verification, verify

FILES = {"model.json": b"{}", "threshold.json": b"1"}
Fields = dict[str, Any]


@pytest.fixture
def model(tmp_path: Path, manifest_fields: Fields) -> Path:
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    return tmp_path / "m"


def verdicts(verification: Verification) -> dict[str, str]:
    return {result.check: result.verdict for result in verification.results}


def details_of(verification: Verification, check: str) -> tuple[dict[str, Any], ...]:
    return next(result.details for result in verification.results if result.check == check)


def test_sound_unsigned_model(model: Path) -> None:
    found = verify(model)
    assert [verdicts(found)[check] for check in CHECKS[:3]] == ["pass", "pass", "skipped"]
    assert "damage, not tampering" in details_of(found, "signature")[0]["found"]
    assert found.passed
    assert found.root_digest == ArtifactStore().load(model).seal.root_digest


@pytest.mark.parametrize("level", CHECKS)
def test_level_ends_the_climb(model: Path, level: str) -> None:
    assert [result.check for result in verify(model, level).results] == list(
        CHECKS[: CHECKS.index(level) + 1]
    )


def test_unknown_level(model: Path) -> None:
    with pytest.raises(ValidationError, match="did you mean|unknown level"):
        verify(model, "checksum")


def test_changed_byte_fails_checksums_only(model: Path) -> None:
    (model / "artifacts/threshold.json").write_bytes(b"2")
    found = verify(model, "replay", lambda files: CheckResult("replay", "pass"))
    assert verdicts(found)["structure"] == "pass"
    assert verdicts(found)["checksums"] == "fail"
    assert verdicts(found)["replay"] == "skipped"
    assert found.reached == "structure"
    assert set(details_of(found, "checksums")[0]) == {"what", "expected", "found"}


def test_structure_lists_everything(model: Path) -> None:
    (model / "extra.txt").write_text("")
    (model / "artifacts/threshold.json").unlink()
    os.truncate(model / "artifacts/model.json", 1)
    found = verify(model)
    assert len(details_of(found, "structure")) == 3
    assert not found.passed
    assert found.reached is None


def test_unreadable_manifest_is_a_result(model: Path) -> None:
    (model / "manifest.json").write_text("{")
    found = verify(model, "retrain")
    assert verdicts(found) == {"structure": "fail"} | dict.fromkeys(CHECKS[1:], "skipped")
    assert found.root_digest is None


def test_no_directory_is_a_result(tmp_path: Path) -> None:
    assert not verify(tmp_path / "none").passed


def test_expected_digest(model: Path) -> None:
    digest = verify(model).root_digest
    assert digest is not None
    assert verify(model, expect_digest=digest.upper()).passed
    found = verify(model, expect_digest="0" * 64)
    assert details_of(found, "structure")[0] == {
        "what": "root digest",
        "expected": repr("0" * 64),
        "found": digest,
    }


def test_replay_gets_the_verified_model(model: Path) -> None:
    seen: list[ModelFiles] = []

    def replay(files: ModelFiles) -> CheckResult:
        seen.append(files)
        return CheckResult("replay", "pass")

    assert verdicts(verify(model, "replay", replay))["replay"] == "pass"
    assert seen[0].files == FILES


def test_replay_without_a_canary_is_no_pass(model: Path) -> None:
    found = verify(model, "replay")
    assert verdicts(found)["replay"] == "skipped"
    assert details_of(found, "replay")[0]["found"] == "nothing to compare"


def test_replay_that_raises_fails(model: Path) -> None:
    def replay(files: ModelFiles) -> CheckResult:
        raise PersistenceError("model.json: malformed")

    assert "malformed" in details_of(verify(model, "replay", replay), "replay")[0]["found"]


def test_signature_check(model: Path) -> None:
    def refuse(manifest: bytes, signature: bytes | None) -> None:
        raise SignatureError("no signature")

    assert verdicts(verify(model, check_signature=refuse))["signature"] == "fail"
    assert verdicts(verify(model, check_signature=lambda manifest, signature: None))["signature"] == "pass"


@pytest.mark.parametrize("level", CHECKS)
def test_who_gives_a_key_has_the_signature_checked_before_anything_is_parsed(
    model: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(manifest: bytes, signature: bytes | None) -> None:
        raise SignatureError("by nobody")

    def parsed(*_: Any, **__: Any) -> Any:
        raise AssertionError("the manifest was parsed")

    monkeypatch.setattr("pmlcli.store.directory.parse", parsed)
    found = verify(model, level, check_signature=refuse)
    expected = dict.fromkeys(CHECKS[: max(CHECKS.index(level), 2) + 1], "skipped") | {"signature": "fail"}
    assert list(verdicts(found).items()) == list(expected.items())
    assert (found.passed, found.reached, found.root_digest) == (False, None, None)
    assert details_of(found, "signature")[0]["found"] == "by nobody"


def test_another_digest_is_told_before_anything_is_parsed(model: Path) -> None:
    (model / "manifest.json").write_bytes(b"[" * 10)
    found = verify(model, expect_digest="0" * 64)
    (finding,) = details_of(found, "structure")
    assert (finding["what"], finding["expected"]) == ("root digest", repr("0" * 64))
    assert verdicts(found)["signature"] == "skipped"


def environment_of(
    path: Path, fields: Fields, dependencies: dict[str, str], platform: dict[str, str]
) -> CheckResult:
    ArtifactStore().save(
        path, {**fields, "dependencies": dependencies, "platform": platform}, FILES, force=True
    )
    return verify(path).results[3]


SKLEARN = metadata.version("scikit-learn")
MINOR = ".".join(SKLEARN.split(".")[:2])


@pytest.mark.parametrize(
    ("dependencies", "platform", "verdict"),
    [
        ({"scikit-learn": SKLEARN}, {}, "pass"),
        ({"scikit-learn": MINOR + ".99"}, {}, "warn"),
        ({"scikit-learn": "0.1"}, {}, "warn"),
        ({"numpy": "1.0"}, {}, "warn"),
        ({"no-such-library": "1.0"}, {}, "fail"),
        ({}, {"machine": "z80"}, "warn"),
        ({}, {"blas": "openblas"}, "skipped"),
        ({}, {}, "skipped"),
    ],
)
def test_environment(
    tmp_path: Path,
    manifest_fields: Fields,
    dependencies: dict[str, str],
    platform: dict[str, str],
    verdict: str,
) -> None:
    assert environment_of(tmp_path / "m", manifest_fields, dependencies, platform).verdict == verdict


def test_verification_imports_no_library(tmp_path: Path, manifest_fields: Fields) -> None:
    fields = {**manifest_fields, "dependencies": {"scikit-learn": SKLEARN, "numpy": "2"}}
    ArtifactStore().save(tmp_path / "m", fields, FILES)
    code = (
        "import sys; from pmlcli.store.verification import verify; assert verify(sys.argv[1]).passed;"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'joblib', 'torch', 'ctypes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "m"], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
