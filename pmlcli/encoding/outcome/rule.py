"""Rules about cases in a small language of their own: what is true of a case, and from when on it is settled.

    rule       = all {"or" all}
    all        = one {"and" one}
    one        = "not" one | "(" rule ")" | "has" "(" TEXT ")" | quantity COMPARISON value
    quantity   = "count" "(" TEXT ")" | "length" | "duration" | "first" | "last" | COLUMN
    value      = NUMBER | DURATION | TEXT
    COMPARISON = "==" | "!=" | "<" | "<=" | ">" | ">="

TEXT stands in double or single quotes, a DURATION is a number and s, m, h, d or w, a COLUMN is a name of
letters, digits, `_`, `:` and `.`, or any name in backquotes. Nothing is ever evaluated as Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from pmlcli.encoding.outcome.conditions import All, Comparison, Either, Judgement, Not, Quantity
from pmlcli.errors import ValidationError
from pmlcli.eventlog.times.duration import duration_seconds

LONGEST = 1000
DEEPEST = 30

_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<column>`[^`]+`)
    |(?P<duration>\d+(?:\.\d+)?[smhdw]\b)
    |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<comparison>==|!=|<=|>=|<|>)
    |(?P<bracket>[()])
    |(?P<word>[^\W\d][\w:.]*)""",
    re.VERBOSE,
)
_NAMED = ("count", "has")
_PLAIN = ("length", "duration", "first", "last")
_KINDS = {
    "count": ("number",),
    "length": ("number",),
    "duration": ("duration",),
    "first": ("text",),
    "last": ("text",),
    "column": ("number", "text"),
}
_TEXT_COMPARISONS = ("==", "!=")


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_rule(text: str) -> Judgement:
    """The rule as a tree; ValidationError, pointing at the place, for anything that is none."""
    if len(text) > LONGEST:
        raise ValidationError(f"the rule has {len(text)} characters, but may have {LONGEST}")
    return _Parser(text).parse()


@dataclass
class _Parser:
    """Recursive descent over the tokens; `depth` bounds the recursion."""

    text: str
    next: int = 0
    depth: int = 0

    def parse(self) -> Judgement:
        self.tokens = self._tokens()
        rule = self._rule()
        if self._token.kind != "end":
            self._fail("'and', 'or' or the end of the rule")
        return rule

    def _tokens(self) -> list[_Token]:
        found, at = [], 0
        while at < len(self.text):
            match = _TOKENS.match(self.text, at)
            if match is None:
                self._refuse(f"'{self.text[at]}' cannot stand there", at)
            if match.lastgroup != "space":
                found.append(_Token(str(match.lastgroup), match[0], at))
            at = match.end()
        return [*found, _Token("end", "", len(self.text))]

    @property
    def _token(self) -> _Token:
        return self.tokens[self.next]

    def _take(self, kind: str, *texts: str) -> _Token | None:
        """The next token if it is of this kind and one of these texts, and goes past it."""
        token = self._token
        if token.kind != kind or (texts and token.text not in texts):
            return None
        self.next += 1
        return token

    def _expect(self, kind: str, what: str, *texts: str) -> _Token:
        token = self._take(kind, *texts)
        if token is None:
            self._fail(what)
        return token

    def _rule(self) -> Judgement:
        parts = [self._all()]
        while self._take("word", "or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Judgement:
        parts = [self._one()]
        while self._take("word", "and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Judgement:
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse(f"more than {DEEPEST} levels of brackets and 'not'", self._token.at)
        found = self._not_or_group() or self._statement()
        self.depth -= 1
        return found

    def _not_or_group(self) -> Judgement | None:
        if self._take("word", "not"):
            return Not(self._one())
        if self._take("bracket", "("):
            rule = self._rule()
            self._expect("bracket", "')'", ")")
            return rule
        return None

    def _statement(self) -> Judgement:
        quantity, is_has = self._quantity()
        if is_has:
            return Comparison(quantity, ">", 0.0)
        sign = self._expect("comparison", "a comparison (==, !=, <, <=, >, >=)")
        return Comparison(quantity, sign.text, self._value(quantity, sign))

    def _quantity(self) -> tuple[Quantity, bool]:
        token = self._token
        if word := self._take("word", *_NAMED):
            self._expect("bracket", f"'(' after {word.text}", "(")
            name = self._expect("text", 'an activity in quotes, such as "Pay"').text[1:-1]
            self._expect("bracket", "')'", ")")
            return Quantity("count", name), word.text == "has"
        if word := self._take("word", *_PLAIN):
            return Quantity(word.text), False
        if token.kind == "word" and token.text not in ("and", "or", "not"):
            self.next += 1
            return Quantity("column", token.text), False
        column = self._expect("column", "has(...), count(...), length, duration, first, last or a column")
        return Quantity("column", column.text[1:-1]), False

    def _value(self, quantity: Quantity, sign: _Token) -> float | str:
        token = self._token
        if token.kind not in _KINDS[quantity.kind]:
            self._fail(f"a {' or a '.join(_KINDS[quantity.kind])} to compare '{quantity.kind}' with")
        self.next += 1
        if token.kind == "text" and sign.text not in _TEXT_COMPARISONS:
            self._refuse(f"text is compared by == and != alone, not by {sign.text}", sign.at)
        if token.kind == "text":
            return token.text[1:-1]
        return float(token.text) if token.kind == "number" else duration_seconds(token.text)

    def _fail(self, expected: str) -> NoReturn:
        token = self._token
        found = f"'{token.text}'" if token.text else "the end"
        self._refuse(f"expected {expected}, found {found}", token.at)

    def _refuse(self, what: str, at: int) -> NoReturn:
        raise ValidationError(
            f"the rule cannot be read at character {at + 1}: {what}: {self.text[:at]}[HERE]{self.text[at:]}",
            hint='write rules such as count("Repair") > 2, or has("Reject") and not has("Approve")',
            context={"parameter": "rule", "at": at + 1},
        )
