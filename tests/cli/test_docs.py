"""docs/commands.md, docs/guarantees.md and the picture of the layers are what the code says."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[2] / "docs" / "build.py"


def test_the_page_of_commands_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, BUILD, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"a page is stale; run python docs/build.py\n{done.stderr}"


def test_the_picture_shows_every_import_by_some_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BUILD.parent))
    house = importlib.import_module("house")
    imports = house.rooms()
    arrows = house.reduced(imports)
    assert len(imports) > 10
    for room, targets in imports.items():
        assert targets <= house._reached(arrows, room), room
    assert house.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


@pytest.mark.parametrize("page", ["", "<!-- made by docs/house.py -->\n"])
def test_a_page_without_a_place_for_the_picture_is_an_error(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BUILD.parent))
    with pytest.raises(ValueError, match="lacks"):
        importlib.import_module("house").with_picture(page)
