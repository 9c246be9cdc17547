"""A reader for the pickle stream inside a joblib file that can call nothing but our own rules.

A joblib file is a pickle (protocol 4; 5 inside object arrays) in which the bytes of each array follow the
description of it. This machine knows only the opcodes that joblib writes. A global is never looked up: it
is a `Name`, an inert record, and what a name may do is decided by `Rules`. Nothing else is called.

Measured against an allow-list over joblib's own reader, which lets through: dtypes that lie about holding
objects, object arrays shorter than their shape, attributes of classes and functions, hash bombs, zlib
bombs, and trailing streams.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

from pmlcli.store.codecs._numbers import Array, array_bytes, array_from, refuse
from pmlcli.store.findings import shown

# A forest of 500 trees takes about 100,000; a million of the largest empty things is 64 MB.
MAX_STEPS = 1_000_000
MAX_NESTING = 3
MAX_LONG_BYTES = 32
MOST_KEY = 2**31
"""Whole numbers below it cannot share their place in a dict; larger ones can be made to, all of them."""
_ALIGNMENT = 16


class Name:
    """A global of the stream, by name only; it has no behaviour."""

    __slots__ = ("full",)

    def __init__(self, full: str) -> None:
        self.full = full


class Draft:
    """What REDUCE or NEWOBJ began and BUILD completes; it is replaced by the completed thing."""

    __slots__ = ("args", "kind", "memo_index")

    def __init__(self, kind: str, args: Any) -> None:
        self.kind = kind
        self.args = args
        self.memo_index: int | None = None


class Rules(Protocol):
    """What the machine may do with names."""

    def name(self, full: str) -> Any:
        """What a global becomes: a `Name`, or one of a few number types."""

    def call(self, name: Name, args: tuple[Any, ...]) -> Any:
        """What REDUCE makes: a finished value, or a `Draft`."""

    def new(self, name: Name) -> Any:
        """What NEWOBJ makes: an empty instance, or a `Draft`."""

    def build(self, target: Any, state: Any, machine: Machine) -> Any:
        """What BUILD makes of an instance or draft and its state."""


_CONTAINERS = (list, dict, tuple)
_KEYS = (str, bytes, bool, type(None))


class Machine:
    """One run over `data` from `position`; `value` is what it built, `position` where it stopped."""

    def __init__(self, data: bytes, rules: Rules, *, position: int = 0, nesting: int = 0) -> None:
        if nesting > MAX_NESTING:
            raise refuse("streams nested too deep")
        self.data = data
        self.view = memoryview(data)
        self.position = position
        self._rules = rules
        self._nesting = nesting
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[Any] = []
        self._drafts = 0

    def run(self) -> Any:
        """The object of the stream; `position` is then behind its STOP."""
        if self.data[self.position : self.position + 1] != b"\x80":
            raise refuse("not an uncompressed joblib file (compressed artifacts are not accepted)")
        try:
            return self._run()
        except (IndexError, struct.error):
            # The opcodes index the bytes and the memo without asking first; that is where their ends show.
            raise refuse("the stream is cut off, or refers to nothing") from None

    def _run(self) -> Any:
        handlers, data = _HANDLERS, self.data
        for _ in range(MAX_STEPS):
            code = data[self.position]
            self.position += 1
            if code == _STOP:
                return self._result()
            handler = handlers.get(code)
            if handler is None:
                raise refuse(f"opcode {code:#04x} is not one that joblib writes")
            handler(self)
        raise refuse(f"more than {MAX_STEPS} steps")

    def read_array(self, dtype: Any, shape: tuple[int, ...], order: str) -> Array:
        """The array whose bytes follow here, behind their padding."""
        padding = self._take(1)[0]
        if padding > _ALIGNMENT or bytes(self._take(padding)) != b"\xff" * padding:
            raise refuse("array padding is malformed")
        size = array_bytes(shape, dtype, len(self.data) - self.position)
        return array_from(self._take(size), dtype, shape, order)

    def read_nested(self) -> Any:
        """The object of the stream that begins here (joblib writes object arrays so)."""
        inner = Machine(self.data, self._rules, position=self.position, nesting=self._nesting + 1)
        value = inner.run()
        self.position = inner.position
        return value

    def _result(self) -> Any:
        if len(self._stack) != 1 or self._marks or self._drafts:
            raise refuse("the stream ends in the middle of something")
        return self._stack[0]

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if end > len(self.data):
            raise refuse("the stream is cut off")
        part = self.view[self.position : end]
        self.position = end
        return part

    def _pop(self) -> Any:
        floor = self._marks[-1] if self._marks else 0
        if len(self._stack) <= floor:
            raise refuse("the stack is empty")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        if not self._marks:
            raise refuse("a mark is missing")
        floor = self._marks.pop()
        items = self._stack[floor:]
        del self._stack[floor:]
        return items

    def _top(self, kind: type) -> Any:
        if not self._stack or type(self._stack[-1]) is not kind:
            raise refuse(f"no {kind.__name__} to fill")
        return self._stack[-1]

    # --- opcodes ---

    def _protocol(self) -> None:
        version = self._take(1)[0]
        if version not in (4, 5):
            raise refuse(f"pickle protocol {version}")

    def _frame(self) -> None:
        length = self._unpack(_UINT64)
        if length > len(self.data) - self.position:
            raise refuse("a frame exceeds the file")

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _unpack(self, layout: struct.Struct) -> Any:
        (value,) = layout.unpack_from(self.data, self.position)
        self.position += layout.size
        return value

    def _text(self, layout: struct.Struct) -> None:
        try:
            self._stack.append(str(self._take(self._unpack(layout)), "utf-8"))
        except UnicodeDecodeError:
            raise refuse("text is not UTF-8") from None

    def _bytes(self, layout: struct.Struct) -> None:
        self._stack.append(bytes(self._take(self._unpack(layout))))

    def _number(self, layout: struct.Struct) -> None:
        self._stack.append(self._unpack(layout))

    def _small_number(self) -> None:
        self._stack.append(self.data[self.position])
        self.position += 1

    def _long(self) -> None:
        length = self._take(1)[0]
        if length > MAX_LONG_BYTES:
            raise refuse(f"a whole number of {length} bytes")
        self._stack.append(int.from_bytes(self._take(length), "little", signed=True))

    def _tuple(self, count: int | None) -> None:
        items = self._pop_to_mark() if count is None else [self._pop() for _ in range(count)][::-1]
        self._stack.append(tuple(items))

    def _append(self) -> None:
        item = self._pop()
        self._top(list).append(item)

    def _appends(self) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._fill([key, value])

    def _set_items(self) -> None:
        self._fill(self._pop_to_mark())

    def _fill(self, items: list[Any]) -> None:
        target = self._top(dict)
        keys = items[0::2]
        if len(items) % 2 or not all(map(_is_key, keys)):
            raise refuse("a dict key is not plain")
        target.update(zip(keys, items[1::2], strict=True))

    def _memoize(self) -> None:
        if not self._stack:
            raise refuse("nothing to remember")
        value = self._stack[-1]
        if type(value) is Draft and value.memo_index is None:
            value.memo_index = len(self._memo)
        self._memo.append(value)

    def _get_near(self) -> None:
        self._get(self.data[self.position])
        self.position += 1

    def _get_far(self) -> None:
        self._get(self._unpack(_UINT32))

    def _get(self, index: int) -> None:
        value = self._memo[index]
        if type(value) in _CONTAINERS:
            # A list that holds another one twice, sixty deep, has 2^60 items to whoever walks it. No
            # estimator and no plain state that pmlcli writes holds a container twice.
            raise refuse("a container that occurs twice")
        self._stack.append(value)

    def _global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(module) is not str or type(name) is not str:
            raise refuse("a global without a name")
        if "." in name or not module:
            raise refuse(f"global {shown(f'{module}.{name}')} is not allowed")
        self._stack.append(self._rules.name(f"{module}.{name}"))

    def _push_made(self, made: Any) -> None:
        if type(made) is Draft:
            self._drafts += 1
        self._stack.append(made)

    def _reduce(self) -> None:
        args, name = self._pop(), self._pop()
        if type(name) is not Name or type(args) is not tuple:
            raise refuse("a call of something that is no name")
        self._push_made(self._rules.call(name, args))

    def _new(self) -> None:
        args, name = self._pop(), self._pop()
        if type(name) is not Name or args != ():
            raise refuse("an instance made with arguments")
        self._push_made(self._rules.new(name))

    def _build(self) -> None:
        state, target = self._pop(), self._pop()
        built = self._rules.build(target, state, self)
        if type(target) is Draft:
            self._drafts -= 1
            if target.memo_index is not None:
                self._memo[target.memo_index] = built
        self._stack.append(built)


def _is_key(key: Any) -> bool:
    """Whether a dict may have it: nested tuples hash in exponential time, and whoever chooses numbers at will
    gives them one hash, so that filling the dict takes the square of their count.
    """
    return type(key) in _KEYS or (type(key) is int and abs(key) < MOST_KEY)


_STOP = ord(".")
_UINT8, _UINT16, _UINT32, _UINT64 = (struct.Struct(layout) for layout in ("<B", "<H", "<I", "<Q"))
_INT32, _FLOAT64 = struct.Struct("<i"), struct.Struct(">d")

_HANDLERS: dict[int, Callable[[Machine], None]] = {
    0x80: Machine._protocol,
    0x95: Machine._frame,
    ord("("): Machine._mark,
    ord("N"): lambda machine: machine._stack.append(None),
    0x88: lambda machine: machine._stack.append(True),
    0x89: lambda machine: machine._stack.append(False),
    ord("J"): lambda machine: machine._number(_INT32),
    ord("K"): Machine._small_number,
    ord("M"): lambda machine: machine._number(_UINT16),
    ord("G"): lambda machine: machine._number(_FLOAT64),
    0x8A: Machine._long,
    0x8C: lambda machine: machine._text(_UINT8),
    ord("X"): lambda machine: machine._text(_UINT32),
    ord("C"): lambda machine: machine._bytes(_UINT8),
    ord("B"): lambda machine: machine._bytes(_UINT32),
    ord("}"): lambda machine: machine._stack.append({}),
    ord("]"): lambda machine: machine._stack.append([]),
    ord(")"): lambda machine: machine._stack.append(()),
    ord("t"): lambda machine: machine._tuple(None),
    0x85: lambda machine: machine._tuple(1),
    0x86: lambda machine: machine._tuple(2),
    0x87: lambda machine: machine._tuple(3),
    ord("a"): Machine._append,
    ord("e"): Machine._appends,
    ord("s"): Machine._set_item,
    ord("u"): Machine._set_items,
    0x94: Machine._memoize,
    ord("h"): Machine._get_near,
    ord("j"): Machine._get_far,
    0x93: Machine._global,
    ord("R"): Machine._reduce,
    0x81: Machine._new,
    ord("b"): Machine._build,
}
