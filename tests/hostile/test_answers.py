"""What a hostile model's answer costs the asking process: memory, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pmlcli.lifecycle import isolation
from tests.hostile.answer_child import HOSTILE, MEGABYTE

PEAK = Path("/proc/self/clear_refs")
MOST_MB = 3 * isolation.ANSWER_BYTES // MEGABYTE
"""The answer as it came, the part that is looked at, and the texts made of it."""


@pytest.fixture(scope="module")
def taken() -> dict[str, dict[str, object]]:
    if not PEAK.exists():
        pytest.skip("this system does not count a process's peak of memory anew (/proc/self/clear_refs)")
    child = [sys.executable, "-m", "tests.hostile.answer_child"]
    done = subprocess.run(child, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_takes_a_bounded_part_of_our_memory(taken: dict[str, dict[str, object]], name: str) -> None:
    line = taken[name]
    assert isinstance(line["more_mb"], int) and line["more_mb"] <= MOST_MB, line
    is_allowed = name == "honest" or "as there may be" in name and "JSON" not in name and "keys" not in name
    assert str(line["outcome"]).startswith("answered" if is_allowed else "model.")
