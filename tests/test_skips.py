"""PMLCLI_NO_SKIPS makes a failure of every skip for something missing; without it none is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WAYS = {
    "call": "import pytest\ndef test():\n    pytest.skip('no such thing')",
    "library": "import pytest\ndef test():\n    pytest.importorskip('no_such_library')",
    "mark": "import pytest\n@pytest.mark.skipif(True, reason='no such device')\ndef test(): pass",
    "fixture": ("import pytest\n@pytest.fixture\ndef it(): pytest.skip('no such file')\ndef test(it): pass"),
    "module": "import pytest\npytest.importorskip('no_such_library')\ndef test(): pass",
    "unittest": "import unittest\nclass Test(unittest.TestCase):\n    def test(self): self.skipTest('no')",
}
HARMLESS = {
    "passed": "def test(): pass",
    "xfail": "import pytest\n@pytest.mark.xfail\ndef test(): raise ValueError",
    "xfail_call": "import pytest\ndef test(): pytest.xfail('known')",
    "withheld": "import pytest\ndef test(): pytest.skip('no right to mount')",
}
SEES_NO_VARIABLE = "import os\ndef test(): assert 'PMLCLI_NO_SKIPS' not in os.environ"


def run(
    place: Path, texts: dict[str, str], no_skips: str | None, *options: str
) -> subprocess.CompletedProcess[str]:
    """All of these test files in one run, each named by its key."""
    shutil.copy(Path(__file__).parent / "conftest.py", place / "conftest.py")
    for name, text in texts.items():
        (place / f"test_{name}.py").write_text(text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMLCLI_", "PYTEST_"))}
    if no_skips is not None:
        environment["PMLCLI_NO_SKIPS"] = no_skips
    environment["COLUMNS"] = "300"  # no reason is cut short
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *options, str(place)]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "in a worker"])


@WORKERS
def test_nothing_missing_is_passed_over(workers: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, WAYS, "1", "--continue-on-collection-errors", *workers)
    assert done.returncode != 0, done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    for way in WAYS:
        said = [line for line in failed if f"test_{way}.py" in line]
        assert len(said) == 1 and "PMLCLI_NO_SKIPS says that nothing is missing: " in said[0], done.stdout


@pytest.mark.parametrize("no_skips", [None, "", "0"])
def test_without_it_what_is_missing_is_skipped_and_told(no_skips: str | None, tmp_path: Path) -> None:
    done = run(tmp_path, {"mark": WAYS["mark"]}, no_skips)
    assert done.returncode == 0, done.stdout
    assert "no such device" in done.stdout


@WORKERS
def test_what_is_no_skip_for_something_missing_stays_what_it_is(
    workers: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(tmp_path, HARMLESS | {"variable": SEES_NO_VARIABLE}, "1", *workers)
    assert done.returncode == 0, done.stdout
    assert "2 passed, 1 skipped, 2 xfailed" in done.stdout
