"""Takes hostile answers from confined children, a JSON line each: the outcome, and what memory it took."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from pmlcli.errors import PmlError
from pmlcli.lifecycle import answer, isolation
from pmlcli.store import strictjson
from pmlcli.store.codecs import plain
from tests.lifecycle.test_isolation import of_texts, state_of

MEGABYTE = 1 << 20
MOST_ROWS = 10_000
"""Of an answer about so many events."""
Files = dict[str, bytes]


def distinct_texts(count: int) -> Files:
    """So many texts of one letter beyond the BMP, each in a row of its own."""
    run = np.frombuffer("\U0001f600".encode() * count, dtype=np.uint8)
    parts = {"c0_codes": np.arange(count), "c0_ends": np.arange(1, count + 1) * 4, "c0_text": run}
    return dict(plain.encode(state_of(rows=count, kinds=["str"]) | parts, stem=answer.STEM))


def shared_text(rows: int, length: int) -> Files:
    return dict(plain.encode(of_texts(b"x" * length, rows), stem=answer.STEM))


def numbers(rows: int) -> Files:
    return dict(plain.encode(state_of(rows=rows, c0_values=np.zeros(rows)), stem=answer.STEM))


def many_columns(count: int) -> Files:
    state = state_of(rows=1, names=[f"c{i}" for i in range(count)], kinds=["float64"] * count)
    return dict(plain.encode(state | {f"c{i}_values": np.zeros(1) for i in range(count)}, stem=answer.STEM))


def json_of(value: Any) -> Files:
    honest = dict(plain.encode(state_of(), stem=answer.STEM))
    name = next(name for name in honest if name.endswith(".json"))
    return honest | {name: strictjson.dump(value)}


HOSTILE: dict[str, Callable[[], Files]] = {
    "honest": lambda: numbers(1),
    "letters beyond the BMP": lambda: distinct_texts(2_000_000),
    "a letter in as many rows as there may be": lambda: distinct_texts(MOST_ROWS),
    "as much text as there may be": lambda: shared_text(6, 10_000_000),
    "a long text in every row": lambda: shared_text(100_000, 1_000_000),
    "all the numbers that it may hold": lambda: numbers(8 * MEGABYTE - 1000),
    "more than it may hold": lambda: {"answer.json": bytes(65 * MEGABYTE)},
    "many columns": lambda: many_columns(30_000),
    "as many keys as there may be": lambda: json_of({f"{i}" * 9: i for i in range(45_000)}),
    "as much JSON as there may be": lambda: json_of({"x": "\U0001f600" * 1_900_000}),
    "millions of keys": lambda: json_of({f"{i}": i for i in range(3_000_000)}),
    "a list of millions": lambda: json_of([0] * 20_000_000),
    "nested lists": lambda: json_of([[[]] * 1000] * 1000),
    "a million files": lambda: {str(i): b"" for i in range(1_000_000)},
}


def peak_kilobytes() -> int:
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert told
    return int(told[1])


def taken(name: str) -> str:
    limits = isolation.limits_for(events=0, files={})
    try:
        files = isolation.ask(HOSTILE[name], limits, nullcontext())
        found = answer.decode(files, most_characters=limits.result_bytes, rows=range(MOST_ROWS + 1))
        return f"answered: {len(found.table)}"
    except PmlError as error:
        return f"{error.code}: {error.message}"


def main() -> None:
    for name in HOSTILE:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew
        before = peak_kilobytes()
        outcome = taken(name)
        line = {"name": name, "outcome": outcome, "more_mb": (peak_kilobytes() - before) // 1024}
        os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
