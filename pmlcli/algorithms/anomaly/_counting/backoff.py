"""Counts of values in nested contexts, interpolated from the shortest context to the longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pmlcli.arrays import Codes, Floats, as_one

DISCOUNT = 1
"""Taken off every count of what is scored: a training case then scores as if it had been left out, and a
value seen once as if it had never been seen. The same holds for new cases, so no score depends on company."""
UNSEEN_CONTEXT = -1


class View(NamedTuple):
    """What is counted: values of one kind, by nested contexts.

    - `columns`: the context from the nearest to the farthest, (events,) each; `sizes`: their numbers of codes
    - `target`: the value of each event, (events,); `values`: the number of its codes
    """

    columns: tuple[Codes, ...]
    sizes: tuple[int, ...]
    target: Codes
    values: int

    def distinct(self) -> tuple[View, Codes]:
        """The different values in their contexts, each once, and which of them each event has: far fewer than
        events, so that counts are looked up for these alone.
        """
        key = as_one((self.target, *self.columns), (self.values, *self.sizes))
        found, which = np.unique(key, return_inverse=True)
        some = np.empty(len(found), dtype=np.int64)
        some[which] = np.arange(len(which))
        return self.take(some), which

    def take(self, events: Codes) -> View:
        """Of these events."""
        columns = tuple(column[events] for column in self.columns)
        return View(columns, self.sizes, self.target[events], self.values)


@dataclass(frozen=True)
class Order:
    """The counts in contexts of one length; a context's number is its position in `contexts`.

    - `contexts`: number of the next shorter context times size of the added column, plus its code; ascending
    - `totals`, `kinds`, `best`: events in each context, how many different values, the commonest of them
    - `keys`, `counts`: context times number of values, plus value, ascending; how many events
    """

    contexts: Codes
    totals: Codes
    kinds: Codes
    best: Codes
    keys: Codes
    counts: Codes

    @classmethod
    def of(cls, contexts: Codes, numbers: Codes, view: View) -> Order:
        """Counts the values in each context; `numbers` is that of each event's context."""
        keys, counts = np.unique(numbers * view.values + view.target, return_counts=True)
        owner, value = np.divmod(keys, view.values)
        # The commonest first, the smaller code among equals.
        ranked = np.lexsort((value, -counts, owner))
        first = np.searchsorted(owner, np.arange(len(contexts)))
        return cls(
            contexts,
            np.bincount(numbers, minlength=len(contexts)),
            np.bincount(owner, minlength=len(contexts)),
            value[ranked][first],
            keys,
            counts,
        )

    def count(self, numbers: Codes, values: Codes, size: int) -> Codes:
        """How often each value occurred in its context; none in an unseen one."""
        wanted = numbers * size + values
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[at] == wanted) & (numbers != UNSEEN_CONTEXT), self.counts[at], 0)


@dataclass(frozen=True)
class BackOff:
    """How likely a value is in its context: counts in the longest context that was seen, filled up with
    what shorter ones say, the more the more different values the longer one held (Witten and Bell 1991).
    """

    orders: tuple[Order, ...]

    @classmethod
    def fit(cls, view: View) -> BackOff:
        """Counts the values in every context."""
        numbers = np.zeros(len(view.target), dtype=np.int64)
        orders = [Order.of(np.zeros(1, dtype=np.int64), numbers, view)]
        for column, size in zip(view.columns, view.sizes, strict=True):
            contexts, numbers = np.unique(numbers * size + column, return_inverse=True)
            orders.append(Order.of(contexts, numbers, view))
        return cls(tuple(orders))

    def surprise(self, view: View) -> tuple[Floats, Codes]:
        """log(p(likeliest) / p(seen)) of each event, zero or more, and the likeliest value."""
        distinct, which = view.distinct()
        surprise, likeliest = self._surprise(distinct)
        return surprise[which], likeliest[which]

    def _surprise(self, view: View) -> tuple[Floats, Codes]:
        numbers = list(self._numbers(view))
        seen = self._likelihood(numbers, view.target, view.values, DISCOUNT)
        best, likeliest = seen.copy(), view.target.copy()
        for order, number in zip(self.orders, numbers, strict=True):
            candidate = np.where(number == UNSEEN_CONTEXT, view.target, order.best[number])
            discount = np.where(candidate == view.target, DISCOUNT, 0)
            p = self._likelihood(numbers, candidate, view.values, discount)
            likeliest = np.where(p > best, candidate, likeliest)
            best = np.maximum(best, p)
        return np.log(best / seen), likeliest

    def evidence(self, view: View, length: int) -> tuple[Codes, Codes, Codes, Codes]:
        """In contexts of this length: times seen, times of the context, commonest value, its times; raw."""
        number = list(self._numbers(view))[length]
        order, known = self.orders[length], number != UNSEEN_CONTEXT
        best = np.where(known, order.best[number], view.target)
        seen, likely = (order.count(number, v, view.values) for v in (view.target, best))
        return seen, np.where(known, order.totals[number], 0), best, likely

    def _numbers(self, view: View) -> Iterator[Codes]:
        """The number of each event's context by length, the empty one first; as long as the view's."""
        number = np.zeros(len(view.target), dtype=np.int64)
        yield number
        for order, column, size in zip(self.orders[1:], view.columns, view.sizes, strict=False):
            wanted = number * size + column
            at = np.minimum(np.searchsorted(order.contexts, wanted), len(order.contexts) - 1)
            is_known = (order.contexts[at] == wanted) & (number != UNSEEN_CONTEXT)
            number = np.where(is_known, at, UNSEEN_CONTEXT)
            yield number

    def likelihood(self, view: View, discount: int = DISCOUNT) -> Floats:
        """The probability of each event's value, its counts taken as so many less than they are."""
        distinct, which = view.distinct()
        numbers = list(self._numbers(distinct))
        return self._likelihood(numbers, distinct.target, view.values, discount, discount)[which]

    def after_one(self, contexts: range, values: int) -> Floats:
        """(contexts, values): the probability of each value after one event, nothing taken off."""
        code, value = np.repeat(contexts, values), np.tile(np.arange(values), len(contexts))
        nearest = View((code,), (values,), value, values)
        return self.likelihood(nearest, 0).reshape(len(contexts), values)

    def _likelihood(
        self,
        numbers: Sequence[Codes],
        values: Codes,
        size: int,
        discount: Codes | int,
        total_discount: int = DISCOUNT,
    ) -> Floats:
        """The probability of these values (`size` there are) in the contexts of these numbers, from the
        empty one on; so much is taken off their counts, and off those of the contexts.
        """
        p = np.full(len(values), 1.0 / size)
        for order, number in zip(self.orders, numbers, strict=False):
            known = number != UNSEEN_CONTEXT
            count = np.maximum(order.count(number, values, size) - discount, 0)
            total = np.where(known, np.maximum(order.totals[number] - total_discount, 0), 0)
            kinds = np.where(known, order.kinds[number], 1)
            p = (count + kinds * p) / (total + kinds)
        return p


def packed(models: Sequence[BackOff]) -> tuple[Codes, list[list[list[int]]]]:
    """All counts as one array, and the lengths that cut it: by model, by order, by field."""
    arrays = [[list(vars(order).values()) for order in model.orders] for model in models]
    layout = [[[len(field) for field in order] for order in model] for model in arrays]
    return np.concatenate([field for model in arrays for order in model for field in order]), layout


def unpacked(flat: Codes, layout: Sequence[Sequence[Sequence[int]]]) -> list[BackOff]:
    """The inverse of `packed`."""
    lengths = [length for model in layout for order in model for length in order]
    pieces = iter(np.split(flat, np.cumsum(lengths)[:-1]))
    return [BackOff(tuple(Order(*(next(pieces) for _ in order)) for order in model)) for model in layout]
