"""docs/commands.md and docs/guarantees.md are what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[2] / "docs" / "build.py"


def test_the_page_of_commands_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, BUILD, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"a page is stale; run python docs/build.py\n{done.stderr}"
