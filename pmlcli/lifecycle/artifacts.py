"""A trained model as files, and back: which codec holds what. Reads and writes bytes, never a file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.errors import (
    DamagedModelError,
    MissingArtifactError,
    MissingDependencyError,
    PersistenceError,
    PmlError,
    PredictionError,
    UntrustedArtifactError,
)
from pmlcli.lifecycle.blame import HINT, blamed
from pmlcli.lifecycle.inspection import THRESHOLD_FILE
from pmlcli.store import strictjson
from pmlcli.store.codecs import plain, safetensors, sklearn
from pmlcli.store.codecs.xgboost import check_xgboost_json
from pmlcli.store.findings import shown

ESTIMATOR = "estimator_"
ESTIMATOR_FILE = "model.joblib"
BOOSTER = "booster_"
BOOSTER_FILE = "model.json"
OWN_STEM = "model"
"""Stem of what an algorithm that asks others keeps beside them; their files are MEMBER-FILE."""
STATE_STEM = "state"
"""Stem of the files that hold what there is beside a file of a library's own format: names are unique."""
ENCODING_FILE = "feature_extractor.joblib"
REFERENCE_FILE = "reference.json"
CANARY_FILE = "canary.json"
BASELINE = "baseline-"
"""How the names of the files begin that hold the task's baseline, beside those of the model."""
MOST_BASELINE_BYTES = 8_000_000
"""A baseline that takes more is not kept."""
_SHARED_FILES = (ENCODING_FILE, THRESHOLD_FILE, REFERENCE_FILE, CANARY_FILE)
_PLAIN = r"model\.json|model-\w+\.npy"
_STATE = r"state\.json|state-\w+\.npy"
_OTHERS = {
    "plain": _PLAIN,
    "sklearn": rf"model\.joblib|{_STATE}",
    "safetensors": r"state\.json|model\.safetensors",
    "xgboost": rf"model\.json|{_STATE}",
}
_OWN_FILES = {container: re.compile(names) for container, names in _OTHERS.items()}
_OWN_FILES["members"] = re.compile(rf"{_PLAIN}|[\w-]+-(?:{'|'.join(_OTHERS.values())})")
_MAX_JSON_BYTES = 64_000_000
MOST_READ_HERE = {"max_bytes": 8_000_000, "max_items": 400_000}
"""Of a JSON artifact that the asking process reads itself, beside the model's own."""


def to_files(
    fitted: Fitted[Algorithm[Any], Any],
    reference: dict[str, Any],
    canary: dict[str, Any],
    baseline: Fitted[Algorithm[Any], Any] | None = None,
) -> dict[str, bytes]:
    """Every artifact of a trained model, by file name, and of its baseline as far as that is small."""
    return {
        **_fitted_files(fitted),
        **({} if baseline is None else _baseline_files(baseline)),
        REFERENCE_FILE: strictjson.dump(reference),
        CANARY_FILE: strictjson.dump(canary),
    }


def _fitted_files(fitted: Fitted[Algorithm[Any], Any]) -> dict[str, bytes]:
    algorithm = fitted.algorithm
    return {
        **_learner_files(algorithm),
        ENCODING_FILE: sklearn.encode_plain(fitted.encoding.state()),
        THRESHOLD_FILE: strictjson.dump({**fitted.calibration, "units": algorithm.task.units(algorithm)}),
    }


def _baseline_files(baseline: Fitted[Algorithm[Any], Any]) -> dict[str, bytes]:
    if baseline.algorithm.container != "plain":
        return {}
    files = {f"{BASELINE}{name}": data for name, data in _fitted_files(baseline).items()}
    return files if sum(map(len, files.values())) <= MOST_BASELINE_BYTES else {}


def baseline_files(files: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """The files of the baseline that a model keeps, as those of a model by itself, or None."""
    own = {name.removeprefix(BASELINE): data for name, data in files.items() if name.startswith(BASELINE)}
    return {**own, **{name: files[name] for name in (REFERENCE_FILE, CANARY_FILE)}} if own else None


def _learner_files(algorithm: Algorithm[Any]) -> dict[str, bytes]:
    state = algorithm.state()
    if algorithm.container == "members":
        asked = algorithm.kept_members().items()
        theirs = {
            _of_member(name, file): data for name, one in asked for file, data in _learner_files(one).items()
        }
        return {**plain.encode(state), **theirs}
    if algorithm.container == "safetensors":
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        return safetensors.encode(arrays, {n: v for n, v in state.items() if n not in arrays})
    if algorithm.container == "plain":
        return plain.encode(state)
    if algorithm.container == "xgboost":
        booster = state.pop(BOOSTER)
        return {BOOSTER_FILE: booster, **plain.encode(state, stem=STATE_STEM)}
    estimator = state.pop(ESTIMATOR)
    files = plain.encode(state, stem=STATE_STEM) if state else {}
    return {ESTIMATOR_FILE: sklearn.encode(estimator), **files}


def restore(algorithm: Algorithm[Any], files: Mapping[str, bytes]) -> Fitted[Algorithm[Any], Any]:
    """Gives an untrained algorithm the state that `files` hold, with its encoding and calibration.

    `files` are verified bytes. Raises a DamagedModelError when they are not what this algorithm writes.
    """
    missing = [name for name in _SHARED_FILES if name not in files]
    if missing:
        raise MissingArtifactError(f"the model lacks {', '.join(missing)}", context={"missing": missing})
    try:
        return _restore(algorithm, files)
    except (PersistenceError, PredictionError, MissingDependencyError):
        raise
    except Exception as error:
        # The bytes are those that the manifest vouches for, but no pmlcli wrote them.
        raise UntrustedArtifactError(
            f"the artifacts do not hold what this algorithm writes ({type(error).__name__}: {error})"
        ) from error


def require_known_files(container: str, names: Iterable[str]) -> None:
    """Raises UntrustedArtifactError for a file that no algorithm of this container writes."""
    surplus = sorted(name for name in names if name not in _SHARED_FILES and not _is_known(container, name))
    if surplus:
        raise UntrustedArtifactError(
            f"artifacts/{surplus[0]}: this algorithm writes no such file",
            hint="this model was not written by a released pmlcli; do not use it, train it again",
            context={"surplus": surplus[:10]},
        )


def _is_known(container: str, name: str) -> bool:
    """Whether an algorithm of this container, or the baseline beside it, writes a file of this name."""
    if not name.startswith(BASELINE):
        return _OWN_FILES[container].fullmatch(name) is not None
    inner = name.removeprefix(BASELINE)
    return inner in (ENCODING_FILE, THRESHOLD_FILE) or _OWN_FILES["plain"].fullmatch(inner) is not None


@contextmanager
def used(*, foreign: bool, tellable: tuple[type[PmlError], ...] = ()) -> Iterator[None]:
    """Makes what a `foreign` model's state does to the code that uses it an error about the model, but for
    the kinds that it may tell (see `blame`).

    A state may pass every check of its bytes and still be none that training gives. For a model that was
    trained in this process such an error is a bug, and stays what it is.
    """
    try:
        yield
    except PmlError as error:
        told = blamed(error, tellable) if foreign else error
        if told is error:
            raise
        raise told from error
    except Exception as error:
        # Whatever the library raises: Prophet, for one, raises bare exceptions.
        if not foreign:
            raise
        raise PredictionError(
            f"the model cannot be used ({type(error).__name__}: {error})",
            code="prediction.failed",
            hint=HINT,
        ) from error


def _restore(algorithm: Algorithm[Any], files: Mapping[str, bytes]) -> Fitted[Algorithm[Any], Any]:
    own = {n: data for n, data in files.items() if n not in _SHARED_FILES and not n.startswith(BASELINE)}
    _restore_learner(algorithm, own)
    calibration = read_json(files, THRESHOLD_FILE)
    units = calibration.pop("units", None)
    _require_numbers(calibration, algorithm.task.calibrated_numbers(algorithm))
    _require_units(units)
    state = sklearn.decode_plain(files[ENCODING_FILE])
    if not isinstance(state, dict):
        raise UntrustedArtifactError(f"{ENCODING_FILE}: holds {type(state).__name__}, expected a dict")
    return Fitted(algorithm, algorithm.make_encoding().restored(state), calibration)


def _require_units(units: object) -> None:
    """Every training writes them, also where nothing was learned from held-out cases."""
    if not isinstance(units, dict) or not all(isinstance(unit, str) for unit in units.values()):
        raise UntrustedArtifactError(
            f"{THRESHOLD_FILE}: units must say what each column is measured in, not {shown(units)}",
            hint="train the model again, or get it from whom you trust",
        )


def _require_numbers(calibration: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        value: Any = calibration.get(name)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise UntrustedArtifactError(
                f"{THRESHOLD_FILE}: {name} must be a finite number, not {shown(value)}",
                hint="train the model again, or get it from somebody you trust",
            )


def _restore_learner(algorithm: Algorithm[Any], files: Mapping[str, bytes]) -> None:
    """Gives an algorithm its state, and then each algorithm that it asks its own."""
    require_known_files(algorithm.container, files)
    if algorithm.container != "members":
        algorithm.restore(_learner_state(algorithm, files))
        return
    own = {name: data for name, data in files.items() if name.startswith(OWN_STEM)}
    algorithm.restore(plain.decode(own))
    used_up = set(own)
    for name, one in algorithm.kept_members().items():
        theirs = {file: data for file, data in files.items() if file.startswith(_of_member(name, ""))}
        used_up |= set(theirs)
        _restore_learner(one, {file.removeprefix(_of_member(name, "")): d for file, d in theirs.items()})
    if used_up != set(files):
        raise UntrustedArtifactError(
            f"no member of the model wrote {', '.join(sorted(set(files) - used_up))}"
        )


def _of_member(member: str, file: str) -> str:
    return f"{member}-{file}"


def _learner_state(algorithm: Algorithm[Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    own = {name: data for name, data in files.items() if name != ESTIMATOR_FILE}
    if algorithm.container == "safetensors":
        arrays, values = safetensors.decode(own)
        return {**values, **arrays}
    if algorithm.container == "plain":
        return plain.decode(own)
    if algorithm.container == "xgboost":
        return _boosted_state(own)
    if ESTIMATOR_FILE not in files or algorithm.estimator_class is None:
        raise MissingArtifactError(f"the model lacks {ESTIMATOR_FILE}", context={"missing": [ESTIMATOR_FILE]})
    allowed = algorithm.allowed_globals | {algorithm.estimator_class}
    estimator = sklearn.decode(files[ESTIMATOR_FILE], allowed, algorithm.estimator_class)
    return {ESTIMATOR: estimator, **(plain.decode(own, stem=STATE_STEM) if own else {})}


def _boosted_state(files: Mapping[str, bytes]) -> dict[str, Any]:
    """An XGBoost model's bytes, whose structure is checked before XGBoost may read them, and the rest."""
    if BOOSTER_FILE not in files:
        raise MissingArtifactError(f"the model lacks {BOOSTER_FILE}", context={"missing": [BOOSTER_FILE]})
    check_xgboost_json(files[BOOSTER_FILE], source=BOOSTER_FILE)
    return {BOOSTER: files[BOOSTER_FILE], **plain.decode(files, stem=STATE_STEM)}


def reference_json(files: Mapping[str, bytes]) -> dict[str, Any]:
    """What a model keeps of its training log, as far as it can be read; nothing where it keeps none."""
    return read_json(files, REFERENCE_FILE, **MOST_READ_HERE) if REFERENCE_FILE in files else {}


def read_json(
    files: Mapping[str, bytes],
    name: str,
    *,
    max_bytes: int = _MAX_JSON_BYTES,
    max_items: int = strictjson.MAX_ITEMS,
) -> dict[str, Any]:
    """The object in a JSON artifact, read strictly."""
    value = strictjson.parse(files[name], source=name, max_bytes=max_bytes, max_items=max_items)
    if not isinstance(value, dict):
        raise DamagedModelError(f"{name}: holds {type(value).__name__}, expected an object")
    return value
