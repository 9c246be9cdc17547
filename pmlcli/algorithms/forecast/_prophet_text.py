"""Checks before Prophet reads: a model's JSON is what training writes, no larger; it knows the dates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.series.encoding import local_times
from pmlcli.errors import LogError, UntrustedArtifactError

LONGEST = 3000
"""Buckets that Prophet learns from, the last of a series."""
LAST_YEAR = 2261
"""The last whole one that nanoseconds since 1970 hold."""
MOST_CHARACTERS = 16_000_000
MOST_BENDS = 25
MOST_COLUMNS = 1000
MOST_WAVES = {"yearly": 10, "weekly": 3, "daily": 4}
"""Fourier terms of each season, as Prophet chooses them."""
_ALWAYS = {"growth": "linear", "mcmc_samples": 0, "uncertainty_samples": 0, "holidays": None}
_TABLES = {"history": LONGEST, "train_component_cols": MOST_COLUMNS}
_LISTS = {"changepoints": MOST_BENDS, "history_dates": LONGEST, "train_holiday_names": MOST_COLUMNS}
_ROWS = {"k": 1, "m": 1, "sigma_obs": 1, "lp__": 1, "beta": MOST_COLUMNS, "trend": LONGEST}


def check_all(learned: Any, country: str | None) -> None:
    """Raises UntrustedArtifactError unless each series has what training with these holidays learns of it."""
    if not isinstance(learned, dict):
        raise _odd("form")
    for one in learned.values():
        check(one, country)


def check(learned: Any, country: str | None) -> None:
    """Raises UntrustedArtifactError unless this is what training with these holidays learns of a series."""
    if not isinstance(learned, dict) or learned.keys() != {"model"}:
        raise _odd("form")
    model = _parsed(learned["model"], "model")
    if not isinstance(model, dict):
        raise _odd("form")
    for name, value in (_ALWAYS | {"country_holidays": country}).items():
        if model.get(name) != value or isinstance(model.get(name), bool):
            raise _odd(name)
    for name in ("start", "t_scale", "y_scale"):
        if not _is_number(model.get(name)):
            raise _odd(name)
    _check_seasons(model.get("seasonalities"))
    _check_regressors(model.get("extra_regressors"))
    _check_numbers(model)
    _check_texts(model)


def _odd(what: str) -> UntrustedArtifactError:
    return UntrustedArtifactError(f"a Prophet model that no training gives ({what})", hint="train it again")


def _parsed(text: Any, name: str) -> Any:
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        raise _odd(name)
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _odd(name) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_number(name: str) -> None:
    raise ValueError(name)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _are_numbers(values: Any, most: int) -> bool:
    return isinstance(values, list) and len(values) <= most and all(map(_is_number, values))


def _named(pair: Any, what: str) -> Mapping[str, Any]:
    """The dict of a pair of its keys and itself, each value of which is a dict."""
    match pair:
        case [list() as names, dict() as found] if sorted(found) == sorted(map(str, names)):
            if len(names) <= MOST_COLUMNS and all(isinstance(one, dict) for one in found.values()):
                return found
    raise _odd(what)


def _check_seasons(pair: Any) -> None:
    for name, season in _named(pair, "seasonalities").items():
        waves, period = season.get("fourier_order"), season.get("period")
        if type(waves) is not int or not 0 < waves <= MOST_WAVES.get(name, 0):
            raise _odd("fourier_order")
        if not _is_number(period) or period <= 0 or season.get("condition_name") is not None:
            raise _odd("seasonalities")


def _check_regressors(pair: Any) -> None:
    found = _named(pair, "extra_regressors")
    if sorted(found) != sorted(f"exogenous_{place}" for place in range(len(found))):
        raise _odd("extra_regressors")
    for regressor in found.values():
        is_known = _is_number(regressor.get("mu")) and _is_number(regressor.get("std"))
        if not is_known or regressor.get("predictor") is not None:
            raise _odd("extra_regressors")


def _check_numbers(model: Mapping[str, Any]) -> None:
    """The bends and the parameters, of which there is one row each."""
    bends, parameters = model.get("changepoints_t"), model.get("params")
    if not isinstance(bends, list) or not _are_numbers(bends, MOST_BENDS) or not isinstance(parameters, dict):
        raise _odd("changepoints_t")
    rows = _ROWS | {"delta": len(bends)}
    if not {"k", "m", "beta", "delta"} <= parameters.keys() <= rows.keys():
        raise _odd("params")
    for name, value in parameters.items():
        if not isinstance(value, list) or len(value) != 1 or not _are_numbers(value[0], rows[name]):
            raise _odd(f"params: {name}")
    if len(parameters["delta"][0]) != len(bends):
        raise _odd("params: delta")


def _check_texts(model: Mapping[str, Any]) -> None:
    """The tables and lists that Prophet keeps as JSON in its JSON: so many rows, columns of plain kinds."""
    for name, most in {**_TABLES, **_LISTS}.items():
        if name == "train_holiday_names" and model.get(name) is None:
            continue
        found = _parsed(model.get(name), name)
        if not isinstance(found, dict) or not isinstance(found.get("data"), list):
            raise _odd(name)
        if len(found["data"]) > most or (name in _TABLES and not _has_plain_columns(found)):
            raise _odd(name)


def _has_plain_columns(table: Mapping[str, Any]) -> bool:
    match table.get("schema"):
        case {"fields": list() as fields} if len(fields) <= 2 * MOST_COLUMNS:
            return all(isinstance(field, dict) and field.keys() == {"name", "type"} for field in fields)
    return False


def dates_of(starts: NDArray[np.int64], timezone: str) -> pd.DatetimeIndex:
    """The dates on the zone's clock. Raises LogError for those that Prophet's nanoseconds do not reach."""
    local = local_times(starts, timezone).tz_localize(None)
    if local.max().year > LAST_YEAR:
        raise LogError(
            f"Prophet cannot handle dates after {LAST_YEAR}, but this series ends at {local.max():%Y-%m-%d}",
            code="log.time-range",
            hint="correct the times, or use another algorithm, such as forecast/seasonal-naive",
        )
    return local
