"""Gates: `accuracy < 0.7` says when a run is to end as failed, whatever else it wrote.

    NAME OP NUMBER                    accuracy < 0.7, accuracy < 70%
    NAME.PART OP NUMBER               accuracy.lower < 0.65; parts: n, lower, upper, baseline, training
    NAME[COLUMN=VALUE] OP NUMBER      accuracy[activity=Wait] < 0.5; [activity=*] is each of its groups

A value that holds a comma, a bracket, a quote or a control character stands in double quotes, as in JSON.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pmlcli.errors import GateError, ValidationError, nearest
from pmlcli.evaluation.assessment import Assessment, Figure

PARTS = ("n", "lower", "upper", "baseline", "training")
ANY = "*"
FORM = "NAME<NUMBER, such as accuracy<0.7; also <=, >, >=, ==, !="

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_COUNTED = (0.0, math.inf)
_BOUNDS = {
    "share": (0.0, 1.0),
    "points": (-1.0, 1.0),
    **dict.fromkeys(("cases", "events", "rows", "units"), _COUNTED),
}
"""What a figure of a unit can be; figures of other units can be anything."""
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PAIR = re.compile(rf"\s*(?P<column>{_QUOTED}|[^=,\]\"]+?)\s*=\s*(?P<value>{_QUOTED}|[^,\]\"]*?)\s*(?:,|$)")
_GATE = re.compile(
    r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?:\.(?P<part>[a-z]+))?\s*"
    rf"(?:\[(?P<group>(?:{_QUOTED}|[^\]\"])*)\])?\s*"
    r"(?P<operator><=|>=|==|!=|<|>)\s*"
    r"(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(?P<percent>%?)\s*",
    re.DOTALL,
)
_SPECIAL = frozenset(',=[]"\\*')
_MOST_LISTED = 30


@dataclass(frozen=True)
class Gate:
    """One condition on a figure; the run fails where it is true."""

    text: str
    name: str
    operator: str
    number: float
    part: str | None = None
    group: Mapping[str, str | None] = field(default_factory=dict)

    def is_about(self, figure: Figure) -> bool:
        """Whether the gate names this figure; a group's value of None is any value."""
        if figure.name != self.name or figure.group.keys() != self.group.keys():
            return False
        return all(wanted is None or figure.group[column] == wanted for column, wanted in self.group.items())

    def value(self, figure: Figure) -> float | None:
        """What is compared: the figure's value, or the part that is named."""
        found: float | None = getattr(figure, self.part or "value")
        return None if found is None or math.isnan(found) else float(found)

    def is_crossed_by(self, value: float) -> bool:
        """Whether the condition is true."""
        return _OPERATORS[self.operator](value, self.number)


@dataclass(frozen=True)
class Judged:
    """A gate beside one figure that it names; `value` is None where that could not be measured."""

    gate: Gate
    figure: Figure
    value: float | None

    @property
    def is_crossed(self) -> bool:
        """Whether the condition is true; never for what could not be measured."""
        return self.value is not None and self.gate.is_crossed_by(self.value)

    def to_dict(self) -> dict[str, object]:
        """JSON-plain form."""
        group = {"group": dict(self.figure.group)} if self.figure.group else {}
        return {"gate": self.gate.text, "value": self.value, "is_crossed": self.is_crossed, **group}


def parse(text: str) -> Gate:
    """The gate that a text says; ValidationError for any other form."""
    found = _GATE.fullmatch(text)
    if found is None:
        raise ValidationError(f"'{text}' is no gate", hint=f"a gate is {FORM}", context={"gate": text})
    part = found["part"]
    if part is not None and part not in PARTS:
        raise ValidationError(
            f"gate '{text}': a figure has no part '{part}'", hint=f"its parts: {', '.join(PARTS)}"
        )
    number = float(found["number"]) / (100.0 if found["percent"] else 1.0)
    if not math.isfinite(number):
        raise ValidationError(f"gate '{text}': the number is too large")
    name = found["name"].lower().replace("-", "_")
    return Gate(text.strip(), name, found["operator"], number, part, _group(text, found["group"]))


def _group(text: str, pairs: str | None) -> dict[str, str | None]:
    group: dict[str, str | None] = {}
    at, left = 0, (pairs or "").strip()
    while at < len(left):
        found = _PAIR.match(left, at)
        if found is None:
            raise ValidationError(f"gate '{text}': '{left[at:]}' is not COLUMN=VALUE")
        value = found["value"]
        group[_unquoted(text, found["column"])] = None if value == ANY else _unquoted(text, value)
        at = found.end()
    if pairs is not None and not group:
        raise ValidationError(f"gate '{text}': nothing stands between the brackets")
    return group


def _unquoted(text: str, word: str) -> str:
    if not word.startswith('"'):
        return word
    try:
        return str(json.loads(word, strict=False))
    except ValueError as error:
        raise ValidationError(f"gate '{text}': {word} is no text in quotes, as JSON has it") from error


def group_text(group: Mapping[str, str]) -> str:
    """A group as a gate names it, without brackets: `activity=Wait, month=2024-03`."""
    return ", ".join(f"{_quoted(column)}={_quoted(value)}" for column, value in group.items())


def name_of(figure: Figure) -> str:
    """A figure as a gate names it: `accuracy[activity=Wait]`."""
    return f"{figure.name}[{group_text(figure.group)}]" if figure.group else figure.name


def _quoted(word: str) -> str:
    is_plain = word and word == word.strip() and word.isprintable() and not _SPECIAL & set(word)
    return word if is_plain else json.dumps(word)


def judge(gates: Iterable[Gate], figures: Sequence[Figure]) -> list[Judged]:
    """Each gate beside every figure that it names.

    ValidationError for a gate that names no figure, and for one that can never be true, or always is.
    """
    return [one for gate in gates for one in _judged(gate, figures)]


def _judged(gate: Gate, figures: Sequence[Figure]) -> list[Judged]:
    named = [figure for figure in figures if gate.is_about(figure)]
    if not named:
        raise _unknown(gate, figures)
    for figure in named:
        check_bounds(gate, "units" if gate.part == "n" else figure.unit)
    return [Judged(gate, figure, gate.value(figure)) for figure in named]


def check_names(gates: Iterable[Gate], units: Mapping[str, str]) -> None:
    """The same before any work is done, where a command knows its figures: name to unit."""
    for gate in gates:
        if gate.name not in units:
            raise _unknown(gate, [Figure(name, None) for name in units])
        check_bounds(gate, "units" if gate.part == "n" else units[gate.name])


def check_bounds(gate: Gate, unit: str) -> None:
    """ValidationError for a gate that is the same whatever a figure of this unit is."""
    lowest, highest = _BOUNDS.get(unit, (-math.inf, math.inf))
    number, sign = gate.number, gate.operator
    hint = None
    if unit == "share" and 1 < number <= 100:
        hint = f"a share is between 0 and 1: {number / 100:g} or {number:g}%"
    if number < lowest or number > highest:
        is_true = {"<": number > highest, "<=": number > highest, ">": number < lowest, ">=": number < lowest}
        raise _pointless(gate, unit, is_always=is_true.get(sign, sign == "!="), hint=hint)
    if (sign, number) in (("<", lowest), (">", highest)):
        raise _pointless(gate, unit, is_always=False, hint=hint)
    if (sign, number) in ((">=", lowest), ("<=", highest)):
        raise _pointless(gate, unit, is_always=True, hint=hint)


def _pointless(gate: Gate, unit: str, *, is_always: bool, hint: str | None) -> ValidationError:
    lowest, highest = _BOUNDS[unit]
    bounds = f"between {lowest:g} and {highest:g}" if math.isfinite(highest) else f"{lowest:g} or more"
    return ValidationError(
        f"gate '{gate.text}' {'is always' if is_always else 'can never be'} true",
        hint=hint or f"{gate.part or gate.name} is {bounds}",
        context={"gate": gate.text},
    )


def _unknown(gate: Gate, figures: Sequence[Figure]) -> ValidationError:
    same = [figure for figure in figures if figure.name == gate.name]
    names = list(dict.fromkeys(name_of(figure) for figure in same or figures))
    near = nearest(gate.name, {figure.name for figure in figures}) if not same else None
    listed = ", ".join(names[:_MOST_LISTED]) + (", ..." if len(names) > _MOST_LISTED else "")
    what = "no such group of" if same else "no figure is called"
    return ValidationError(
        f"gate '{gate.text}': {what} '{gate.name}'" + (f"; did you mean '{near}'?" if near else ""),
        hint=f"there are: {listed or 'none'}",
        context={"gate": gate.text, "known": names},
    )


def exit_code(found: Assessment, judged: Sequence[Judged]) -> int:
    """With what a run ends that found this: every written form says the same."""
    return GateError.exit_code if found.fails or any(one.is_crossed for one in judged) else 0


def require(judged: Sequence[Judged], found: Assessment | None = None) -> None:
    """Raises GateError that says every gate that was crossed, and by what, and a verdict that fails."""
    crossed = [one for one in judged if one.is_crossed]
    told = [sentence(one) for one in crossed]
    context: dict[str, object] = {"gates": [one.to_dict() for one in crossed]} if crossed else {}
    if found is not None and found.fails:
        told.append(found.sentence)
        context["verdict"] = found.verdict
    if told:
        raise GateError("; ".join(told), context=context)


def sentence(one: Judged) -> str:
    """`gate 'accuracy<0.7' is crossed: accuracy is 0.652`, or that it is not, or cannot be judged."""
    name = name_of(one.figure) if one.gate.part is None else f"{one.gate.part} of {name_of(one.figure)}"
    if one.value is None:
        return f"gate '{one.gate.text}' cannot be judged: {name} could not be measured"
    return f"gate '{one.gate.text}' is {'' if one.is_crossed else 'not '}crossed: {name} is {one.value:.6g}"
