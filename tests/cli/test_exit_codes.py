"""What exists already is 2; a damaged model is 5 and one that cannot be used here 4, in all commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pmlcli import errors
from pmlcli.cli.app import EPILOG, app
from pmlcli.errors import PmlError
from tests.cli.conftest import FAST, Run

DOCS = Path(__file__).parents[2] / "docs"
SERIES = ("-a", "forecast/seasonal-naive", "--kpi", "arrivals", "--horizon", "2", "--frequency", "H")
REPLACED_WITH_FORCE = {"--output", "--annotate", "--chart", "--keep-all", "--errors", "--save-best"}
"""A file of metrics is replaced each time, and a history and a log file are added to."""


# --- what exists already


def writers() -> dict[str, list[str]]:
    """A command line for each option that names what is written; FILE or DIR stands for its value."""
    return {
        "train --output": ["train", "LOG", "-a", FAST, "-o", "DIR"],
        "predict --output": ["predict", "MODEL", "LOG", "-o", "FILE.csv"],
        "predict --annotate": ["predict", "MODEL", "LOG", "--annotate", "FILE.xes"],
        "predict --chart": ["predict", "SERIES", "--chart", "FILE.svg"],
        "predict --keep-all": ["predict", "MODEL", "LOG", "--keep-all", "FILE.csv"],
        "evaluate --output": ["evaluate", "MODEL", "LOG", "-o", "FILE.csv"],
        "evaluate --errors": ["evaluate", "MODEL", "LOG", "--errors", "FILE.csv"],
        "monitor --output": ["monitor", "MODEL", "LOG", "-o", "FILE.csv"],
        "compare --output": ["compare", "LOG", "LOG", "-o", "FILE.csv"],
        "compare --save-best": ["compare", "LOG", "-t", "next-activity", "--save-best", "DIR"],
        "convert --output": ["convert", "LOG", "-o", "FILE.parquet"],
        "report --output": ["report", "LOG", "--sections", "map", "-o", "FILE.html"],
        "sample --output": ["sample", "purchase-to-pay", "-o", "FILE.csv"],
        "upgrade --output": ["upgrade", "MODEL", "-o", "DIR"],
        "keygen": ["keygen", "FILE"],
    }


def test_no_option_that_names_an_output_is_forgotten() -> None:
    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        options = {option for parameter in command.params for option in parameter.opts}
        found |= {f"{name} {option}" for option in options & REPLACED_WITH_FORCE}
    assert found == writers().keys() - {"keygen"}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory, csv_log: Path) -> Path:
    from typer.testing import CliRunner

    target = tmp_path_factory.mktemp("series") / "m"
    done = CliRunner().invoke(app, ["train", str(csv_log), *SERIES, "-o", str(target)])
    assert done.exit_code == 0, done.output
    return target


def occupy(words: list[str], place: Path, model: Path, what: str) -> list[Path]:
    """Puts something where the command would write: a file, a directory, or a whole model."""
    if "DIR" in words:
        paths = [place / "DIR"]
        shutil.copytree(model, paths[0])
    elif words[0] == "keygen":
        paths = [place / "FILE.key"]
    else:
        paths = [place / words[-1]]
    if "DIR" not in words and what == "a file":
        paths[0].write_text("precious")
    elif "DIR" not in words:
        paths[0].mkdir()
    return paths


@pytest.mark.parametrize("what", ["a file", "a directory"])
@pytest.mark.parametrize("writer", writers())
def test_what_exists_is_a_usage_error(
    run: Run, place: Path, model: Path, series: Path, csv_log: Path, writer: str, what: str
) -> None:
    words = writers()[writer]
    occupy(words, place, model, what)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    places = {"LOG": csv_log, "MODEL": model, "SERIES": series}
    done = run(*[places.get(word, word) for word in words])
    assert done.exit_code == 2, done.output
    assert "error: " in done.stderr
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("below", ["sub.csv", "artifacts/sub.csv", "a/b/sub.csv"])
@pytest.mark.parametrize("writer", [*writers(), "export"])
def test_nothing_is_written_into_a_model(
    run: Run, place: Path, model: Path, series: Path, csv_log: Path, writer: str, below: str
) -> None:
    kept = place / "kept"
    shutil.copytree(model, kept)
    before = sorted(kept.rglob("*"))
    words = ["export", "MODEL", "--mlflow", "DIR"] if writer == "export" else writers()[writer]
    places = {"LOG": csv_log, "MODEL": model, "SERIES": series}
    last = (kept / below).with_suffix(Path(words[-1]).suffix)
    done = run(*[places.get(word, word) for word in words[:-1]], last)
    assert (done.exit_code, "is inside the model" in done.stderr) == (2, True), done.output
    assert sorted(kept.rglob("*")) == before


# --- damaged models


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def manifest(**changes: Any) -> Callable[[Path], Any]:
    def change(copy: Path) -> None:
        found = json.loads((copy / "manifest.json").read_text()) | changes
        (copy / "manifest.json").write_text(json.dumps(found))

    return change


def unlink_one(copy: Path) -> None:
    next(iter((copy / "artifacts").iterdir())).unlink()


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "flipped byte": lambda copy: flip(next(iter((copy / "artifacts").iterdir()))),
    "missing artifact": unlink_one,
    "no artifacts": lambda copy: shutil.rmtree(copy / "artifacts"),
    "unlisted file": lambda copy: (copy / "artifacts/extra.json").write_text("{}"),
    "unlisted at the top": lambda copy: (copy / "extra.py").write_text(""),
    "no manifest": lambda copy: (copy / "manifest.json").unlink(),
    "no JSON": lambda copy: (copy / "manifest.json").write_text("nonsense"),
    "another type of value": manifest(training_samples="many"),
    "an unknown key": manifest(module="os"),
    "a signature of nothing": lambda copy: (copy / "manifest.json.sig").mkdir(),
}
UNUSABLE: dict[str, Callable[[Path], Any]] = {
    "newer schema": manifest(schema_version=99),
    "nothing there": shutil.rmtree,
    "an empty directory": lambda copy: (shutil.rmtree(copy), copy.mkdir()),
    "a file": lambda copy: (shutil.rmtree(copy), copy.write_text("x")),
}


def asking(command: str, copy: Path, csv_log: Path) -> list[object]:
    return {
        "predict": ["predict", copy, csv_log, "-q"],
        "verify": ["verify", copy],
        "inspect": ["inspect", copy],
        "sign": ["sign", copy, "--private-key", "k.key"],
        "upgrade": ["upgrade", copy, "-o", "new"],
    }[command]


COMMANDS = ["predict", "verify", "inspect", "sign", "upgrade"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_5_everywhere(
    run: Run, place: Path, model: Path, csv_log: Path, damage: str, command: str
) -> None:
    copy = place / "copy"
    shutil.copytree(model, copy)
    DAMAGES[damage](copy)
    run("keygen", "k")
    done = run(*asking(command, copy, csv_log))
    assert done.exit_code == 5, done.output
    assert "Traceback" not in done.output
    if command in ("predict", "sign", "upgrade"):
        assert done.stdout == ""
        assert "copy" in done.stderr


# To `inspect`, whatever is no directory is a log.
HERE = [
    (what, command)
    for what in UNUSABLE
    for command in COMMANDS
    if command != "inspect" or what not in ("nothing there", "a file")
]


@pytest.mark.parametrize(("what", "command"), HERE)
def test_a_model_that_cannot_be_used_here_is_4_everywhere(
    run: Run, place: Path, model: Path, csv_log: Path, what: str, command: str
) -> None:
    copy = place / "copy"
    shutil.copytree(model, copy)
    UNUSABLE[what](copy)
    run("keygen", "k")
    done = run(*asking(command, copy, csv_log))
    assert done.exit_code == 4, done.output
    assert "Traceback" not in done.output


def test_of_several_models_the_worst_decides(run: Run, place: Path, model: Path) -> None:
    for name, change in (("damaged", unlink_one), ("newer", UNUSABLE["newer schema"])):
        shutil.copytree(model, place / name)
        change(place / name)
    assert run("verify", model, "newer").exit_code == 4
    assert run("verify", "newer", "damaged", model).exit_code == 5
    assert json.loads(run("verify", model, "newer", "--json").stdout)["exit_code"] == 4


# --- what is said of them


def all_errors(cls: type[PmlError] = PmlError) -> set[type[PmlError]]:
    return {cls, *(one for child in cls.__subclasses__() for one in all_errors(child))}


@pytest.mark.parametrize("code", sorted({one.exit_code for one in all_errors()}))
def test_every_exit_code_is_explained_in_the_docs_the_help_and_the_tree_of_errors(code: int) -> None:
    assert f"\n| {code} | " in (DOCS / "commands.md").read_text()
    assert f" {code} " in EPILOG.partition("Exit codes:")[2]
    assert f"exit {code} " in str(errors.__doc__)
