"""What the extras hold: `all` is every library that users may take without a second thought."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["optional-dependencies"]
AGPL = {"pm4py"}
FOR_DEVELOPERS = {"test", "fuzz"}


def packages(extra: str) -> set[str]:
    """Names of all packages of an extra, those of the extras that it names included."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        name, inner = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", requirement).groups()  # type: ignore[union-attr]
        found |= set().union(*map(packages, inner.split(","))) if name == "pmlcli" else {name.lower()}
    return found


def test_all_holds_every_extra_but_the_agpl() -> None:
    others = {extra for extra in EXTRAS if extra not in {"all", *FOR_DEVELOPERS}}
    assert packages("all") == set().union(*map(packages, others)) - AGPL


def test_the_tests_have_everything() -> None:
    assert packages("all") | packages("test") >= {name for extra in EXTRAS for name in packages(extra)} - {
        "atheris"
    }
