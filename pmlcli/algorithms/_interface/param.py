"""Parameters as data: one declaration gives help, validation, `inspect` and the docs."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from pmlcli._cards import OptionCard, ParameterCard
from pmlcli.errors import ValidationError, unknown_name


@dataclass(frozen=True)
class Param:
    """Metadata of a parameter, or of a field of a request: `Annotated[int, Param("Number of trees.", ge=1)]`.

    Bounds are inclusive (ge, le) or exclusive (gt, lt). The rest is for the command line: whether a parameter
    has its own option (`has_option`; all have `-p NAME=VALUE`), the option's name if it differs, the
    placeholder of its value, values for completion, how text is read (`duration`, `table`), and its class
    (`request`, `trust`, `place`, `limit`; see `cli/_group.py`).
    """

    help: str
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    unit: str | None = None
    has_option: bool = False
    option: str | None = None
    metavar: str = ""
    examples: tuple[str, ...] = ()
    reads: str | None = None
    concern: str = "request"


_TYPE_WORDS = {int: "integer", float: "number", bool: "true or false", str: "text"}


def _annotations(cls: type) -> dict[str, tuple[Any, Param, Any]]:
    """Name to (type, Param, default) of each declared parameter, base class first."""
    hints = get_type_hints(cls, include_extras=True)
    found: dict[str, tuple[Any, Param, Any]] = {}
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if get_origin(hint) is Annotated:
            base, *metadata = get_args(hint)
            declared = [m for m in metadata if isinstance(m, Param)]
            if declared:
                found[field.name] = (base, declared[0], field.default)
    return found


def _type_word(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(str(choice) for choice in get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join("none" if a is type(None) else _type_word(a) for a in get_args(hint))
    if get_origin(hint) is tuple:
        return "names separated by commas"
    return _TYPE_WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def range_text(param: Param) -> str:
    """The bounds in words: `>= 1`, `> 0 and < 1`, or nothing."""
    bounds = [(">=", param.ge), (">", param.gt), ("<=", param.le), ("<", param.lt)]
    return " and ".join(f"{sign} {bound:.12g}" for sign, bound in bounds if bound is not None)


def _wanted(hint: Any, param: Param) -> str:
    """What a value must be, in words: type, bounds and unit."""
    word, or_none, _end = _type_word(hint).partition(" or none")
    article = {"integer": "an ", "number": "a "}.get(word.split(" ")[0], "")
    unit = f" ({param.unit})" if param.unit else ""
    bounds = f" {range_text(param)}" if range_text(param) else ""
    return f"{article}{word}{bounds}{unit}{',' if or_none else ''}{or_none}"


def specs(cls: type) -> tuple[ParameterCard, ...]:
    """The parameters that an algorithm class declares, in order of declaration."""
    return tuple(
        ParameterCard(name, _type_word(hint), default, param.help, range_text(param), param.unit)
        for name, (hint, param, default) in _annotations(cls).items()
    )


def option_cards(cls: type, *, only_marked: bool = False) -> tuple[OptionCard, ...]:
    """The options of the command line that a class of parameters or a request declares, in order."""
    return tuple(
        OptionCard(
            name=name,
            option=param.option or f"--{name.replace('_', '-')}",
            kind=param.reads or _kind(hint),
            help=param.help,
            metavar=param.metavar,
            choices=_choices(hint),
            examples=param.examples,
            concern=param.concern,
            default="" if only_marked or default in (None, False) else str(default),
        )
        for name, (hint, param, default) in _annotations(cls).items()
        if param.has_option or not only_marked
    )


def _kind(hint: Any) -> str:
    if _choices(hint):
        return "choice"
    known = [one for one in (get_args(hint) if _is_union(hint) else (hint,)) if one is not type(None)]
    if any(get_origin(one) is Literal for one in known):
        return "text"  # a word or a number: read by the parameter itself
    if any(get_origin(one) is tuple for one in known):
        return "names"
    return {bool: "flag", int: "integer", float: "number"}.get(known[0], "text")


def _choices(hint: Any) -> tuple[str, ...]:
    """The values of a Literal, also of an optional one; none where other values are possible too."""
    known = [one for one in (get_args(hint) if _is_union(hint) else (hint,)) if one is not type(None)]
    if all(get_origin(one) is Literal for one in known):
        return tuple(str(choice) for one in known for choice in get_args(one))
    return ()


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def check_fields(values: Any) -> None:
    """ValidationError for a field of a request that is not of its declared type, or not within its bounds."""
    for name, (hint, param, _default) in _annotations(type(values)).items():
        value, choices = vars(values)[name], _choices(hint)
        if value is None and type(None) in get_args(hint):
            continue
        if choices and isinstance(value, str) and value not in choices:
            raise unknown_name(f"choice of {name.replace('_', ' ')}", value, choices)
        if not _is_of(hint, value) or not _is_within(param, value):
            raise ValidationError(
                f"{name} is {value!r}, but must be {_wanted(hint, param)}", context={"option": name}
            )


def _is_of(hint: Any, value: Any) -> bool:
    """Whether a value is of a type as it stands, numpy's numbers included; True is no number."""
    if _is_union(hint):
        return any(_is_of(one, value) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    kinds: dict[Any, tuple[type, ...]] = {int: (Integral,), float: (Real,), bool: (bool, np.bool_)}
    if hint in (int, float) and isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, kinds.get(hint, (hint,)))


def _coerce(hint: Any, value: Any) -> Any:
    """`value` as `hint`; raises ValueError when it is none. Text comes from a command line."""
    origin = get_origin(hint)
    if origin is Literal:
        return _one_of(get_args(hint), value)
    if origin in (Union, types.UnionType):
        return _first_of(get_args(hint), value)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(str(item).strip() for item in items if str(item).strip())
    return _plain(hint, value)


def _one_of(choices: tuple[Any, ...], value: Any) -> Any:
    for choice in choices:
        if str(choice) == str(value):
            return choice
    raise ValueError


def _first_of(hints: tuple[Any, ...], value: Any) -> Any:
    # Where any text may be meant, None and NONE are names like others: of an activity, say.
    text = str(value) if str in hints else str(value).lower()
    if type(None) in hints and (value is None or text == "none"):
        return None
    for hint in hints:
        if hint is not type(None):
            try:
                return _coerce(hint, value)
            except ValueError:
                continue
    raise ValueError


def _plain(hint: Any, value: Any) -> Any:
    if hint is bool:
        words = {"true": True, "false": False}
        if str(value).lower() not in words:
            raise ValueError
        return words[str(value).lower()]
    if isinstance(value, bool) or value is None:
        raise ValueError
    if hint is int and float(value) != int(float(value)):
        raise ValueError
    if hint is int and isinstance(value, float):
        value = int(value)
    number = hint(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError
    return number


def _is_within(param: Param, value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return True
    return all(
        (
            param.ge is None or value >= param.ge,
            param.gt is None or value > param.gt,
            param.le is None or value <= param.le,
            param.lt is None or value < param.lt,
        )
    )


def validated(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The given values as an algorithm's parameters; a ValidationError names the first that is wrong."""
    declared = _annotations(cls)
    checked = {}
    for name, value in values.items():
        if name not in declared:
            raise unknown_name("parameter", name, declared)
        hint, param, default = declared[name]
        wanted = _wanted(hint, param)
        try:
            checked[name] = _coerce(hint, value)
        except (ValueError, TypeError, OverflowError):
            raise _wrong(name, value, wanted, default) from None
        if not _is_within(param, checked[name]):
            raise _wrong(name, value, wanted, default)
    return checked


def _default_text(default: Any) -> str:
    if default is None or isinstance(default, bool):
        return str(default).lower()
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _wrong(name: str, value: Any, wanted: str, default: Any) -> ValidationError:
    return ValidationError(
        f"parameter '{name}' is {value!r}, but must be {wanted}",
        hint=f"its default is {_default_text(default)}",
        context={"parameter": name, "value": str(value)},
    )
