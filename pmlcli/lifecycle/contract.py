"""The data contract: what a model asks of a log, and how a new log compares with the one it learned from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from pmlcli.encoding.attributes import as_text
from pmlcli.encoding.base import Encodes
from pmlcli.errors import DamagedModelError, LogError, PersistenceError, PmlError, ValidationError
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, TIMESTAMP, EventLog
from pmlcli.eventlog.lookalike import lookalikes
from pmlcli.eventlog.options import CLASSIFIER_PREFIX, NONE, OPTIONAL_ROLES, ReadOptions
from pmlcli.eventlog.selection import Selection
from pmlcli.lifecycle.kinds import EXAMPLES, kind_of

MANY_BEYOND = 0.05
"""Numbers beyond those of training are told of where more than this share of a column's are."""
LONGEST_NAME = 1000
MODEL_TYPE = "model_type"
MOST_ITEMS = 20_000


def input_schema(log: EventLog, encoding: Encodes[object]) -> dict[str, Any]:
    """Columns and types that the model needs, how they were found, time zone and vocabulary sizes."""
    needed = dict.fromkeys((CASE_ID, ACTIVITY, *encoding.required_columns()))
    numbers = set(encoding.number_columns())
    return {
        **log.schema.to_dict(),
        "format": log.source.format,
        "required": {c: "number" if c in numbers else kind_of(log.frame[c]) for c in needed},
        "encoding": encoding.name,
        "vocabulary_sizes": {column: len(values) for column, values in encoding.vocabularies().items()},
    } | ({"regressors": list(encoding.exogenous_columns())} if encoding.exogenous_columns() else {})


@contextmanager
def written_by_pmlcli(part: str) -> Iterator[None]:
    """Makes what a hostile value in a part of the manifest does here a DamagedModelError.

    An algorithm that is not here is no damage: a newer pmlcli, or somebody's own, may have it.
    """
    try:
        yield
    except (PmlError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, PmlError) and error.exit_code != 2:
            raise
        told = (
            error.message if isinstance(error, PmlError) else f"{part} is malformed ({type(error).__name__})"
        )
        hint = error.hint if isinstance(error, PmlError) else "train the model again"
        kind = PersistenceError if part == MODEL_TYPE else DamagedModelError
        raise kind(f"manifest.json: {told}", hint=hint, code="model.type") from error


def checked_hyperparameters(found: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, none of which may stand for another argument of the model."""
    taken = {"self", "model_type", "model_id", "version", "hooks"} & set(found)
    if taken:
        raise ValidationError(f"unknown parameter '{min(taken)}'")
    _check_extent("hyperparameters", found)
    return dict(found)


def reading_facts(options: ReadOptions) -> dict[str, Any]:
    """The options that a log was read with as far as they were given, JSON-plain."""
    return _given(options)


def _given(options: Any) -> dict[str, Any]:
    found = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            value = _given(value)
            if value:
                found[field.name] = value
        elif value != _default(field):
            found[field.name] = json.loads(json.dumps(dict(value) if isinstance(value, Mapping) else value))
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def reading_options(facts: Mapping[str, Any]) -> ReadOptions:
    """The inverse of `reading_facts`; ValidationError or TypeError for anything else."""
    _check_extent("training_log", facts)
    given = {name: _listed(value) for name, value in facts.items()}
    if "selection" in given:
        given["selection"] = Selection(**_typed(Selection, given["selection"]))
    return ReadOptions(**_typed(ReadOptions, given))


def _typed(cls: type, given: Any) -> dict[str, Any]:
    """Arguments of the types that their fields declare, which nobody has held JSON against."""
    hints, found = get_type_hints(cls), dict(given)
    for name, value in found.items():
        if name not in hints or not _fits(_listed(value), hints[name]):
            raise ValidationError(f"training_log was read with {name} as {type(value).__name__}")
    return {name: _listed(value) for name, value in found.items()}


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        each = inner[:1] * len(value) if inner[-1] is Ellipsis and isinstance(value, tuple) else inner
        return isinstance(value, tuple) and len(value) == len(each) and all(map(_fits, value, each))
    if origin is Mapping:
        return isinstance(value, dict) and all(
            _fits(part, hint) for pair in value.items() for part, hint in zip(pair, inner, strict=True)
        )
    return type(value) is hint


def _listed(value: Any) -> Any:
    """JSON's lists as the tuples that options hold."""
    return tuple(_listed(item) for item in value) if isinstance(value, list) else value


_SCHEMA: Mapping[str, tuple[Any, bool]] = {
    "columns": (Mapping[str, str], True),
    "timezone": (str, True),
    "order": (str, True),
    "tie_breaker": (str, False),
    "pair_lifecycle": (bool, False),
    "lifecycle": (tuple[str, ...], False),
    "object_type": (str, False),
    "format": (str, True),
    "required": (Mapping[str, str], True),
    "encoding": (str, True),
    "vocabulary_sizes": (Mapping[str, int], True),
    "regressors": (tuple[str, ...], False),
}
"""The keys of `input_schema`: their types, and whether every model has them."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValidationError unless every key is of the type that `input_schema` writes."""
    _check_extent("input_schema", schema)
    for name, (hint, needed) in _SCHEMA.items():
        if needed and name not in schema:
            raise ValidationError(f"input_schema lacks {name}")
        if name in schema and not _fits(_listed(schema[name]), hint):
            raise ValidationError(f"input_schema holds {name} as {type(schema[name]).__name__}")
    _check_classifier(str(schema["columns"].get(ACTIVITY, "")))
    required, columns = schema["required"], schema["columns"]
    if not all(isinstance(kind, str) for kind in [*required.values(), *columns.values()]):
        raise ValidationError("input_schema names its columns by other things than text")
    if not {CASE_ID, ACTIVITY} <= required.keys():
        raise ValidationError("input_schema names no case and activity")


def _check_extent(part: str, found: Mapping[str, Any]) -> None:
    """How a log is read and a model is made follows these texts: none may be longer than a name is."""
    pending: list[Any] = [dict(found)]
    for _ in range(MOST_ITEMS):
        if not pending:
            break
        item = pending.pop()
        if isinstance(item, str) and len(item) > LONGEST_NAME:
            raise ValidationError(f"{part} holds a text of {len(item)} characters")
        if isinstance(item, Mapping):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
    else:
        raise ValidationError(f"{part} holds more than {MOST_ITEMS} items")


def _check_classifier(activity: str) -> None:
    parts = activity.removeprefix(CLASSIFIER_PREFIX).split("+")
    if len(set(parts)) < len(parts):
        raise ValidationError("input_schema names a column of the activity twice")


def check_log(log: EventLog, schema: Mapping[str, Any]) -> None:
    """Raises LogError, naming every column, when the log lacks what the model was trained on."""
    required: Mapping[str, str] = schema["required"]
    missing = [column for column in required if column not in log.frame.columns]
    if missing:
        raise LogError(
            f"{log.source.name}: no column {', '.join(map(repr, missing))}, which the model was trained on",
            code="log.column",
            hint=f"the log has: {', '.join(map(str, log.frame.columns))}",
            context={"column": missing[0], "missing": missing},
        )


def read_options(schema: Mapping[str, Any], options: ReadOptions) -> ReadOptions:
    """The caller's options; what they leave open is read as the training log was."""
    columns = dict.fromkeys(OPTIONAL_ROLES, NONE) | dict(schema["columns"])
    return dataclasses.replace(
        options,
        preferred_columns=columns,
        preferred_kinds=schema["required"],
        classifier=options.classifier or _classifier(columns["activity"]),
        timezone=options.timezone or schema["timezone"],
        order=options.order or schema["order"],
        # Who gives an order settles it otherwise than training did.
        preferred_tie_breaker=schema.get("tie_breaker") if options.order is None else None,
        pair_lifecycle=options.pair_lifecycle or schema.get("pair_lifecycle", False),
        lifecycle=options.lifecycle or tuple(schema.get("lifecycle", ())),
        preferred_object_type=schema.get("object_type"),
    )


def _classifier(activity: str) -> str | None:
    """The classifier that a training log's activities were made with, if any."""
    return activity.removeprefix(CLASSIFIER_PREFIX) if activity.startswith(CLASSIFIER_PREFIX) else None


def log_facts(log: EventLog) -> dict[str, Any]:
    """Which log it was, how large, and what reading it left out; JSON-plain."""
    return {
        "name": log.source.name,
        "format": log.source.format,
        "sha256": log.source.sha256,
        "size_bytes": log.source.size_bytes,
        "cases": log.n_cases,
        "events": log.n_events,
        "ledger": log.ledger.to_dict(),
    }


def emptied_columns(log: EventLog, schema: Mapping[str, Any]) -> list[str]:
    """The columns that the model looks at, of which training had values and this log has none at all."""
    sizes: Mapping[str, int] = schema["vocabulary_sizes"]
    had_values = (c for c in schema["required"] if c in log.frame.columns and sizes.get(c, 1) > 0)
    return [column for column in had_values if not log.frame[column].notna().any()]


def unseen_values(log: EventLog, encoding: Encodes[object]) -> dict[str, dict[str, Any]]:
    """Values that training never saw, by column: how many events hold one, a few of them, and (`similar`)
    those that only look another, each with the known value.
    """
    found = {}
    for column, known in {**encoding.vocabularies(), **encoding.truth_values()}.items():
        if column in log.frame.columns:
            present = as_text(log.frame[column]).dropna()
            unseen = present[~present.isin(known)]
            if len(unseen):
                examples = sorted(map(str, unseen.unique()))[:EXAMPLES]
                similar = lookalikes(map(str, unseen.unique()), known)
                found[column] = {"events": len(unseen), "examples": examples, "similar": similar}
    return found | _beyond(log, encoding)


def _beyond(log: EventLog, encoding: Encodes[object]) -> dict[str, dict[str, Any]]:
    """The same of numbers and spans of time beyond those of training, for columns where they are many."""
    found = {}
    for column, (low, high) in encoding.number_limits().items():
        if column not in log.frame.columns:
            continue
        numbers = pd.to_numeric(log.frame[column], errors="coerce").astype(np.float64)
        is_beyond = (numbers < low) | (numbers > high)
        if is_beyond.sum() > MANY_BEYOND * numbers.notna().sum():
            values = log.frame[column][is_beyond.to_numpy(dtype=bool)]
            examples = sorted(map(str, values.unique()))[:EXAMPLES]
            found[column] = {"events": int(is_beyond.sum()), "examples": examples, "similar": {}}
    late = encoding.times_beyond(log)
    if late > MANY_BEYOND * log.n_events:
        found[TIMESTAMP] = {"events": late, "examples": [], "similar": {}}
    return found
