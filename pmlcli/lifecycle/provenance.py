"""What made a model: versions, machine, threads and time. The only place that reads a calendar clock."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from pmlcli import runtime
from pmlcli.errors import ValidationError

_DISTRIBUTIONS = {"sklearn": ("scikit-learn", "scipy", "joblib"), "xgboost": ("xgboost-cpu", "xgboost")}
_ALWAYS = ("pmlcli", "numpy", "pandas")


def now() -> datetime:
    """The time, UTC; SOURCE_DATE_EPOCH (seconds since 1970) stands in for the clock when it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValidationError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, but must be seconds since 1970-01-01"
        ) from None


def stamp_of(moment: datetime) -> str:
    """A time in UTC as ISO 8601."""
    return moment.isoformat().replace("+00:00", "Z")


def dependencies(libraries: Iterable[str]) -> dict[str, str]:
    """Installed versions of what a model of these libraries depends on, by distribution name."""
    wanted = {name for library in libraries for name in _DISTRIBUTIONS.get(library, (library,))}
    return {name: found for name in sorted({*_ALWAYS, *wanted}) if (found := _version(name))}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, str]:
    """The platform, as far as it may change a result: never a host name, user or path."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }


def determinism(tolerance: float) -> dict[str, object]:
    """What was held fixed in training, and how far company may move an answer.

    `is_cut_short` where a time limit stopped it: how far it came depends on the machine.
    """
    found: dict[str, object] = {"threads": runtime.threads(), "batch_tolerance": tolerance}
    return found | ({"is_cut_short": True} if runtime.deadline().stops else {})
