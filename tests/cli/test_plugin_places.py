"""Code that lies in the working directory is not loaded for that; plugins from odd places are named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = [sys.executable, "-m", "pmlcli"]
SCRIPT = [sys.executable, "-c", "import sys; sys.path.pop(0); from pmlcli.__main__ import main; main()"]
SEVERAL = """
import json, sys
sys.path.pop(0)
from typer.testing import CliRunner
from pmlcli.cli.app import app
for arguments in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, arguments)
    print(json.dumps([done.exit_code, done.stdout, done.stderr]))
"""
"""Several commands in one process, as starting one is slow."""
HOOK = """
from pathlib import Path
from pmlcli import Hook
Path("ran").touch()
class Planted(Hook):
    pass
"""


def plant(directory: Path) -> Path:
    """A package with a hook and an algorithm, as it stands where pip has put it."""
    directory.mkdir(exist_ok=True)
    (directory / "planted.py").write_text(HOOK)
    (directory / "rapidfuzz.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\nraise ImportError"
    )
    info = directory / "planted-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[pmlcli.hooks]\nplanted = planted:Planted\n[pmlcli.algorithms]\nanomaly/planted = planted:Planted\n"
    )
    return directory


def run(
    command: list[str], place: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PMLCLI_", "PYTHON"))}
    return subprocess.run(
        [*command, *arguments],
        cwd=place,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


PATHS = [None, "", ":", "/nowhere:", ":/nowhere", "/a::/b", "."]


@pytest.mark.parametrize(
    ("command", "path"),
    [*((MODULE, path) for path in PATHS), (SCRIPT, None), (SCRIPT, ":")],
    ids=[*(f"-m {path}" for path in PATHS), "script None", "script :"],
)
def test_nothing_is_loaded_from_the_working_directory(
    tmp_path: Path, csv_log: Path, command: list[str], path: str | None
) -> None:
    place = plant(tmp_path / "work")
    variables = {} if path is None else {"PYTHONPATH": path}
    done = run(command, place, "train", str(csv_log), "-a", "next-activity/ngram", "-o", "m", **variables)
    assert done.returncode == 0, done.stderr
    assert not (place / "ran").exists()


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["-m", "script"])
def test_nothing_is_listed_from_the_working_directory(tmp_path: Path, command: list[str]) -> None:
    assert "planted" not in run(command, plant(tmp_path / "work"), "algorithms", PYTHONPATH=":").stdout


@pytest.mark.parametrize("quiet", [[], ["-q"]], ids=["", "-q"])
@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["-m", "script"])
def test_a_hook_from_outside_site_packages_is_named(
    tmp_path: Path, csv_log: Path, command: list[str], quiet: list[str]
) -> None:
    elsewhere, place = plant(tmp_path / "elsewhere"), tmp_path / "work"
    (elsewhere / "rapidfuzz.py").unlink()
    place.mkdir()
    done = run(
        command,
        place,
        "train",
        str(csv_log),
        "-a",
        "next-activity/ngram",
        "-o",
        "m",
        *quiet,
        PYTHONPATH=str(elsewhere),
    )
    assert done.returncode == 0, done.stderr
    assert (place / "ran").exists()
    named = f"warning: the hook 'planted' (planted:Planted) comes from {elsewhere}, outside site-packages"
    assert done.stderr.count(named) == 1


def test_the_working_directory_counts_when_it_is_named_in_full(tmp_path: Path, csv_log: Path) -> None:
    place = plant(tmp_path / "work")
    (place / "rapidfuzz.py").unlink()
    done = run(
        MODULE, place, "train", str(csv_log), "-a", "next-activity/ngram", "-o", "m", PYTHONPATH=f":{place}"
    )
    assert done.returncode == 0, done.stderr
    assert "outside site-packages" in done.stderr


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ValueError('broken')", "ValueError: broken"),
        ("import pmlcli_is_not_there", "ModuleNotFoundError: No module named 'pmlcli_is_not_there'"),
        ("Other = 1", "AttributeError: "),
        ("Planted = 1", "TypeError: 'int' object is not callable"),
        ("class Planted:\n    def __init__(self, name): pass", "TypeError: "),
        ("import sys; sys.exit()", "ImportError: it ends the program (SystemExit: )"),
        ("raise SystemExit(0)", "ImportError: it ends the program (SystemExit: 0)"),
        ("class End(BaseException): pass\nraise End('x')", "ImportError: it ends the program (End: x)"),
        ("class Planted:\n    def __init__(self): raise SystemExit(3)", "SystemExit: 3"),
    ],
    ids=[
        *("raises", "needs what is missing", "no such name", "no class", "wants arguments"),
        *("exits", "exits with 0", "ends otherwise", "exits when made"),
    ],
)
def test_a_hook_that_cannot_be_loaded_is_named(tmp_path: Path, csv_log: Path, source: str, why: str) -> None:
    elsewhere = plant(tmp_path / "elsewhere")
    (elsewhere / "planted.py").write_text(source)
    (elsewhere / "rapidfuzz.py").unlink()
    done = run(
        SCRIPT,
        tmp_path,
        "train",
        str(csv_log),
        "-a",
        "next-activity/ngram",
        "-o",
        "m",
        PYTHONPATH=str(elsewhere),
    )
    assert done.returncode == 1
    said = f"error: hook 'planted' (planted:Planted) of the package planted cannot be loaded: {why}"
    assert said in done.stderr
    assert "please report" not in done.stderr
    assert not (tmp_path / "m").exists()


UNLOADABLE = {
    "raises": ("raise ValueError('broken')", "ValueError: broken"),
    "no Python": ("def (", "SyntaxError: "),
    "no such name": ("Other = 1", "AttributeError: "),
    "no algorithm": ("class Planted: pass", "it is no class that inherits from Algorithm"),
    "exits": ("import sys; sys.exit()", "ImportError: it ends the program (SystemExit: )"),
    "exits with 0": ("raise SystemExit(0)", "ImportError: it ends the program (SystemExit: 0)"),
    "ends otherwise": (
        "class End(BaseException): pass\nraise End('x')",
        "ImportError: it ends the program (End: x)",
    ),
}


@pytest.mark.parametrize(
    ("what", "task"),
    [*((what, "anomaly") for what in UNLOADABLE), ("raises", "of-its-own"), ("exits", "of-its-own")],
)
def test_an_algorithm_that_cannot_be_loaded_is_named_and_stops_no_other(
    tmp_path: Path, csv_log: Path, what: str, task: str
) -> None:
    source, why = UNLOADABLE[what]
    elsewhere, log = plant(tmp_path / "elsewhere"), str(csv_log)
    (elsewhere / "planted.py").write_text(source)
    (elsewhere / "rapidfuzz.py").unlink()
    entries = elsewhere / "planted-1.dist-info" / "entry_points.txt"
    entries.write_text(f"[pmlcli.algorithms]\n{task}/planted = planted:Planted\n")
    said = (
        f"error: algorithm '{task}/planted' (planted:Planted) of the package planted cannot be loaded: {why}"
    )
    commands = [
        ["train", log, "-a", f"{task}/planted", "-o", "m"],
        ["train", log, "-a", "next-activity/ngram", "-o", "m"],
        ["algorithms", "--json"],
    ]
    done = run([sys.executable, "-c", SEVERAL], tmp_path, json.dumps(commands), PYTHONPATH=str(elsewhere))
    assert done.returncode == 0, done.stderr
    itself, other, listing = [json.loads(line) for line in done.stdout.splitlines()]
    assert (itself[0], said in itself[2]) == (4, True), itself
    assert other[0] == 0, other
    listed = [card["name"] for card in json.loads(listing[1])["algorithms"]]
    assert (listing[0], "next-activity/ngram" in listed) == (0, True)
    assert f"warning: {said.removeprefix('error: ')}" in listing[2]


POINTS = ["before_train", "after_train", "before_save", "on_failure"]


@pytest.mark.parametrize("point", POINTS)
def test_a_hook_that_would_end_the_program_is_named(tmp_path: Path, csv_log: Path, point: str) -> None:
    elsewhere = plant(tmp_path / "elsewhere")
    (elsewhere / "rapidfuzz.py").unlink()
    failing = (
        "" if point != "on_failure" else "    def before_train(self, context): raise ValueError('first')\n"
    )
    (elsewhere / "planted.py").write_text(
        "import sys\nfrom pmlcli import Hook\nclass Planted(Hook):\n"
        f"    def {point}(self, context): sys.exit(0)\n{failing}"
    )
    arguments = ["train", str(csv_log), "-a", "next-activity/ngram", "-o", "m"]
    done = run(SCRIPT, tmp_path, *arguments, PYTHONPATH=str(elsewhere))
    assert done.returncode == 1, done.stderr
    assert f"hook planted.Planted.{point} raised SystemExit: 0" in done.stderr
    assert ("first" in done.stderr) == bool(failing)
    assert not (tmp_path / "m").exists()


def test_other_code_that_would_end_the_program_is_said(tmp_path: Path, csv_log: Path) -> None:
    elsewhere = plant(tmp_path / "elsewhere")
    (elsewhere / "rapidfuzz.py").unlink()
    # what a patched library, or the `fit` of a plugin, may do
    (elsewhere / "planted.py").write_text(
        "import sys\nfrom pmlcli import Hook\nclass Planted(Hook):\n"
        "    def before_train(self, context):\n"
        "        import pmlcli.lifecycle.training as place\n"
        "        place.train_algorithm = lambda *_: sys.exit(0)\n"
    )
    arguments = ["train", str(csv_log), "-a", "next-activity/ngram", "-o", "m"]
    done = run(SCRIPT, tmp_path, *arguments, PYTHONPATH=str(elsewhere))
    assert done.returncode == 1
    assert "error: code that pmlcli called ended the program (SystemExit: 0)" in done.stderr
