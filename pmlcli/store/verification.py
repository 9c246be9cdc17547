"""The checks of `verify`: what can be shown about a model directory, one after another.

| check | shows |
|---|---|
| structure | the manifest is well formed, and the files are exactly those it lists |
| checksums | every byte is what the manifest vouches for: detects damage, not tampering |
| signature | the manifest was signed by a key that the user trusts; without a key only damage shows |
| environment | the libraries are here; in which versions is said, and `replay` decides |
| replay | the recorded questions get the recorded answers on this machine |
| retrain | training again on the recorded log gives the same artifacts |

The first four read bytes and import no library. Where a key or a digest is given, the raw bytes of the
manifest are held against it before anything is parsed, and when they fail nothing else is looked at. The
last two are given by the layer above, as functions; they run only on a directory that no lower check has
failed. A check with nothing to compare is skipped, which is not a pass.
"""

from __future__ import annotations

import platform as this_platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pmlcli.errors import (
    DamagedModelError,
    MissingDependencyError,
    PersistenceError,
    PmlError,
    SignatureError,
    unknown_name,
)
from pmlcli.store import signing
from pmlcli.store.directory import Difference, ModelFiles, Seal, SealCheck, compare, read_model
from pmlcli.store.findings import Finding, shown
from pmlcli.store.manifest import SIGNATURE_NAME, Manifest, root_digest

CHECKS = ("structure", "checksums", "signature", "environment", "replay", "retrain")

Verdict = Literal["pass", "fail", "skipped", "warn"]
RunCheck = Callable[[ModelFiles], "CheckResult"]
SignatureCheck = SealCheck

# Libraries that promise nothing across versions: how many numbers of the version must be equal.
_NUMBERS_THAT_MATTER = {"scikit-learn": 2, "xgboost": 1, "torch": 1, "statsmodels": 2, "prophet": 1}
# The same import name from another distribution.
_ALIASES = {"xgboost": ("xgboost", "xgboost-cpu"), "xgboost-cpu": ("xgboost-cpu", "xgboost")}
_ABSENT = "not installed"
_UNSIGNED = "none: this detects damage, not tampering"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went; `details` are dicts of what, expected and found."""

    check: str
    verdict: Verdict
    details: tuple[dict[str, Any], ...] = ()
    unusable: bool = False
    """Failed for what is lacking here (a library, a newer pmlcli), not for what the model is."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How the checks of a model directory went."""

    path: str
    root_digest: str | None
    results: tuple[CheckResult, ...]

    @property
    def exit_code(self) -> int:
        """0, 5 where a check failed, and 4 where that says nothing but that the model cannot be used here."""
        failed = [result for result in self.results if result.verdict == "fail"]
        if not failed:
            return 0
        is_unusable = all(result.unusable for result in failed)
        return PersistenceError.exit_code if is_unusable else DamagedModelError.exit_code

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(result.verdict != "fail" for result in self.results)

    @property
    def reached(self) -> str | None:
        """The highest check that passed (with or without a warning) below the first that failed."""
        reached = None
        for result in self.results:
            if result.verdict == "fail":
                break
            if result.verdict in ("pass", "warn"):
                reached = result.check
        return reached


def result_of(check: str, findings: Iterable[Finding], *, otherwise: Verdict = "pass") -> CheckResult:
    """A check that fails when there are findings, else has the verdict `otherwise`."""
    details = tuple(finding.to_dict() for finding in findings)
    return CheckResult(check, "fail" if details else otherwise, details)


def skipped(check: str, why: str) -> CheckResult:
    """A check that could not be run: nothing to compare, or a lower one failed."""
    return CheckResult(check, "skipped", (Finding(check, "something to compare", why).to_dict(),))


def verify(
    path: Path | str,
    level: str = "environment",
    replay: RunCheck | None = None,
    *,
    retrain: RunCheck | None = None,
    check_signature: SignatureCheck | None = None,
    expect_digest: str | None = None,
) -> Verification:
    """Runs the checks of the model at `path` up to `level`.

    `replay` and `retrain` get the verified model. `check_signature(manifest bytes, signature bytes or
    None)` raises `SignatureError` when no trusted key signed, at whatever level. `expect_digest` is the
    root digest that the model must have; it answers an old model that was put back. Damage is a result,
    never an exception; only a disk that cannot be read raises (`OutputError`).
    """
    if level not in CHECKS:
        raise unknown_name("level", level, CHECKS)
    wanted = CHECKS[: CHECKS.index(level) + 1]
    trusted = _Trust(check_signature, expect_digest)
    try:
        seal, difference = compare(path, contents="checksums" in wanted, check_seal=trusted)
    except _UntrustedError as untrusted:
        return Verification(str(path), None, tuple(_untrusted(wanted, untrusted.result)))
    except PmlError as error:
        if not isinstance(error, PersistenceError):
            raise
        return Verification(str(path), None, tuple(_after_failure(wanted, _failed("structure", error))))
    signature = _unchecked(seal) if check_signature is None else trusted.signature
    done = list(_bytes_checks(wanted, seal, difference, signature))
    for check, run_check in (("replay", replay), ("retrain", retrain)):
        if check in wanted:
            done.append(_run(check, run_check, Path(path), seal, done))
    return Verification(str(path), seal.root_digest, tuple(done))


class _UntrustedError(SignatureError):
    """The raw manifest is not vouched for; carries the check that says so."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(f"{result.check} failed")
        self.result = result


class _Trust:
    """Raises `_UntrustedError` unless key and digest, where given, vouch for these bytes.

    `signature` is the check of that name, with the key that signed where the check returns its id.
    """

    def __init__(self, check: SignatureCheck | None, expect_digest: str | None) -> None:
        self._check, self._expected = check, expect_digest
        self.signature = CheckResult("signature", "pass")

    def __call__(self, manifest: bytes, signature: bytes | None) -> None:
        if self._check is not None:
            self.signature = _signed(self._check, manifest, signature)
        digest = root_digest(manifest)
        if self._expected is not None and digest != self._expected.strip().lower():
            finding = Finding("root digest", shown(self._expected), digest)
            raise _UntrustedError(result_of("structure", [finding]))


def _signed(check: SignatureCheck, manifest: bytes, signature: bytes | None) -> CheckResult:
    try:
        key_id = check(manifest, signature)
    except SignatureError as error:
        raise _UntrustedError(_failed("signature", error)) from error
    if not isinstance(key_id, str):
        return CheckResult("signature", "pass")
    return CheckResult("signature", "pass", (Finding("key id", "a given key", key_id).to_dict(),))


def _untrusted(wanted: Sequence[str], failed: CheckResult) -> Iterator[CheckResult]:
    """The checks of a model that nobody vouches for: one failed, and no other was looked at."""
    what = "the root digest is another" if failed.check == "structure" else "the signature failed"
    for check in CHECKS[: max(len(wanted), CHECKS.index(failed.check) + 1)]:
        yield failed if check == failed.check else skipped(check, f"not looked at: {what}")


def _bytes_checks(
    wanted: Sequence[str], seal: Seal, difference: Difference, signature: CheckResult
) -> Iterator[CheckResult]:
    by_size = [finding for finding in difference.changed if finding.found.endswith(" bytes")]
    by_content = [finding for finding in difference.changed if finding not in by_size]
    yield result_of("structure", [*difference.unexpected, *difference.missing, *by_size])
    if "checksums" in wanted:
        if seal.manifest.artifacts:
            yield result_of("checksums", [*by_size, *by_content])
        else:
            yield skipped("checksums", "the manifest lists no artifact")
    if "signature" in wanted:
        yield signature
    if "environment" in wanted:
        yield environment(seal.manifest)


def _unchecked(seal: Seal) -> CheckResult:
    damage = None if seal.signature is None else signing.damage(seal.manifest_bytes, seal.signature)
    if damage is not None:
        return result_of("signature", [Finding(SIGNATURE_NAME, "a signature of this manifest", damage)])
    found = _UNSIGNED if seal.signature is None else "a signature, but no public key to check it with"
    return skipped("signature", found)


def _failed(check: str, error: PmlError) -> CheckResult:
    """A check that an error ended, with the error's own findings when it has some."""
    findings = error.context.get("findings")
    if not isinstance(findings, list) or not findings:
        findings = [Finding(check, "no error", error.message).to_dict()]
    is_of_here = isinstance(error, PersistenceError | MissingDependencyError)
    unusable = is_of_here and error.exit_code == PersistenceError.exit_code
    return CheckResult(check, "fail", tuple(findings), unusable)


def _after_failure(wanted: Sequence[str], failed: CheckResult) -> Iterator[CheckResult]:
    yield failed
    for check in wanted[1:]:
        yield skipped(check, "the structure failed")


def _run(
    check: str, run_check: RunCheck | None, path: Path, seal: Seal, below: Sequence[CheckResult]
) -> CheckResult:
    """What the function from above finds; only on bytes that were verified, and are still the same."""
    failed = [result.check for result in below if result.verdict == "fail"]
    if failed:
        return skipped(check, f"{failed[0]} failed")
    if run_check is None:
        return skipped(check, "nothing to compare")
    try:
        model = read_model(path)
        if model.seal.root_digest != seal.root_digest:
            return skipped(check, "the model was replaced meanwhile; verify it again")
        return run_check(model)
    except PmlError as error:
        return _failed(check, error)


def environment(manifest: Manifest) -> CheckResult:
    """How the libraries and machine here differ from those that made the model.

    A library that is absent fails; another version or machine is a warning, those that matter first: whether
    the answers are the same is for `replay` to say.
    """
    compared = 0
    grave: list[Finding] = []
    slight: list[Finding] = []
    for name, recorded in sorted(manifest.dependencies.items()):
        compared += 1
        installed = installed_version(name)
        if installed == recorded:
            continue
        finding = Finding(shown(name), recorded, installed or _ABSENT)
        (grave if _matters(name, recorded, installed) else slight).append(finding)
    for key, here in _this_machine().items():
        there = manifest.platform.get(key)
        compared += there is not None
        if there is not None and there != here:
            slight.append(Finding(key, shown(there), here))
    if compared == 0:
        return skipped("environment", "the manifest records no library and no platform")
    details = tuple(finding.to_dict() for finding in grave + slight)
    is_absent = any(finding.found == _ABSENT for finding in grave)
    verdict: Verdict = "fail" if is_absent else "warn" if details else "pass"
    return CheckResult("environment", verdict, details, unusable=is_absent)


def other_versions(dependencies: Mapping[str, str]) -> list[str]:
    """The libraries that are here in another version that matters for the same answers, in words."""
    return [
        f"{name} {shown(recorded)} (here {installed})"
        for name, recorded in sorted(dependencies.items())
        if (installed := installed_version(name)) is not None and _matters(name, recorded, installed)
    ]


def installed_version(name: str) -> str | None:
    """The installed version, from the metadata on disk; the library is not imported."""
    for candidate in _ALIASES.get(name, (name,)):
        try:
            return metadata.version(candidate)
        except (metadata.PackageNotFoundError, ValueError):
            continue
    return None


def _matters(name: str, recorded: str, installed: str | None) -> bool:
    if installed is None:
        return True
    numbers = _NUMBERS_THAT_MATTER.get(_ALIASES.get(name, (name,))[0].removesuffix("-cpu"), 0)
    return recorded.split(".")[:numbers] != installed.split(".")[:numbers]


def _this_machine() -> dict[str, str]:
    return {
        "python": this_platform.python_version(),
        "system": this_platform.system(),
        "machine": this_platform.machine(),
    }
