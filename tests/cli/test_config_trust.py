"""Which source may set what: a walk over all options of all commands, and what a planted file can do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from pmlcli.cli import _config_file
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, SHOWN, TRUST, Concern, concern_of, flatten
from pmlcli.errors import PredictionError
from tests.cli.conftest import Run
from tests.runner import COMMAND

COMMANDS: dict[str, Any] = dict(COMMAND.commands)  # type: ignore[attr-defined]
NEVER_SET = {"help", "config"}
DOCS = Path(__file__).parents[2] / "docs" / "trust.md"
ONLY_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="no right: only root can give a file to another user"
)
SOMEBODY = 1234


def options_of(command: Any) -> list[Any]:
    return [p for p in command.params if p.param_type_name == "option" and p.name not in NEVER_SET]


ALL = [(name, option) for name, command in COMMANDS.items() for option in options_of(command)]
IDS = [f"{name} --{option.name}" for name, option in ALL]


def concern(command: str, option: Any) -> Concern | None:
    return concern_of(COMMANDS[command], option.name)


def names_of(option: Any) -> list[str]:
    return [name.removeprefix("--") for name in (*option.opts, *option.secondary_opts) if name[:2] == "--"]


@pytest.fixture
def own(tmp_path: Path, place: Path) -> Path:
    """Where the user's own configuration goes."""
    path = tmp_path / "config" / "pmlcli" / "config.toml"
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o755)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(("command", "option"), ALL, ids=IDS)
def test_every_option_of_every_command_has_a_class(command: str, option: Any) -> None:
    assert isinstance(concern(command, option), Concern)


def test_an_option_without_a_class_or_with_two_cannot_be_registered() -> None:
    from typing import Annotated

    def none(x: Annotated[int, typer.Option("--x")] = 1) -> None: ...

    def two(x: Annotated[int, REQUEST, TRUST, typer.Option("--x")] = 1) -> None: ...

    none.__annotations__ = {"x": Annotated[int, typer.Option("--x")]}
    two.__annotations__ = {"x": Annotated[int, REQUEST, TRUST, typer.Option("--x")]}
    for function in (none, two):
        with pytest.raises(TypeError, match="annotate the option 'x' with one of REQUEST, SHOWN"):
            flatten(function)


def test_the_classes_of_what_matters_are_these() -> None:
    """Written down once more, so that a class is not changed in passing."""
    found = {c: sorted({f"{n} {o.opts[0]}" for n, o in ALL if concern(n, o) is c}) for c in Concern}
    assert {line.partition(" ")[2] for line in found[TRUST]} == {
        "--public-key", "--require-signature", "--expect-digest", "--isolation", "--any-log", "--level",
        "--raw-csv", "--foreign",
    }  # fmt: skip
    assert "verify --level" in found[TRUST]
    assert "predict --level" in found[REQUEST]
    assert {line.partition(" ")[2] for line in found[PLACE]} == {
        "--output", "--force", "--log-file", "--annotate", "--chart", "--sign", "--private-key",
        "--regressor", "--retrain", "--new-since", "--keep-all", "--accept", "--metrics",
        "--labels", "--errors", "--against", "--history", "--replace-if",
        "--save-best", "--resume", "--figures", "--mlflow", "--compare",
    }  # fmt: skip
    assert {line.partition(" ")[2] for line in found[LIMIT]} == {
        "--threads", "--jobs", "--wait", "--max-input-bytes", "--max-ratio", "--quiet", "--top",
        "--skip-unchanged", "--sample-cases", "--budget", "--time-limit", "--open",
    }  # fmt: skip
    assert {line.partition(" ")[2] for line in found[SHOWN]} == {
        "--json",
        "--verbose",
        "--no-progress",
        "--debug",
        "--raw",
        "--title",
    }


def test_whatever_takes_a_path_or_opens_one_is_no_business_of_a_found_file() -> None:
    paths = [(n, o) for n, o in ALL if "path" in type(o.type).__name__.lower()]
    assert len(paths) > 15
    assert {concern(name, option) for name, option in paths} <= {PLACE, TRUST}


def test_docs_list_each_class_and_its_options() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for kind in Concern:
        row = next(line for line in page.splitlines() if line.startswith(f"| {kind.value} |"))
        if not kind.may_be_found:
            listed = set(re.findall(r"`(?:verify )?--([a-z-]+)`", row))
            assert {names_of(option)[0] for name, option in ALL if concern(name, option) is kind} == listed


PROTECTED = [(n, o, name) for n, o in ALL if not concern(n, o).may_be_found for name in names_of(o)]  # type: ignore[union-attr]


@pytest.mark.parametrize(("command", "option", "name"), PROTECTED, ids=[f"{c} {n}" for c, _, n in PROTECTED])
@pytest.mark.parametrize("form", ["table", "top", "underscores", "pyproject", "quoted", "dotted"])
def test_a_found_file_cannot_set_what_matters(
    run: Run, place: Path, command: str, option: Any, name: str, form: str
) -> None:
    value = "true" if option.is_flag else '"x"'
    text = {
        "table": f"[{command}]\n{name} = {value}\n",
        "top": f"{name} = {value}\n",
        "underscores": f"[{command}]\n{name.replace('-', '_')} = {value}\n",
        "pyproject": f"[tool.pmlcli.{command}]\n{name} = {value}\n",
        "quoted": f'["{command}"]\n"{name}" = {value}\n',
        "dotted": f"{command}.{name} = {value}\n",
    }[form]
    write(place / ("pyproject.toml" if form == "pyproject" else "pmlcli.toml"), text)
    # Any command says so, not only the one that has the option.
    for ran in (["algorithms"], ["algorithms", "-q"]):
        result = run(*ran)
        assert result.exit_code == 2
        assert "cannot be set by a file that is merely found" in result.stderr
        variable = option.opts[0].removeprefix("--").replace("-", "_").upper()
        assert f"PMLCLI_{variable}" in result.stderr
        assert "config.toml" in result.stderr and "--config" in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(("command", "name"), [(c, n) for c, _, n in PROTECTED])
@pytest.mark.parametrize("form", ["table", "top"])
def test_no_hint_proposes_to_a_found_file_what_it_may_not_set(
    run: Run, place: Path, command: str, name: str, form: str
) -> None:
    line = f"{name}q = 1\n"
    text = f"[{command}]\n{line}" if form == "table" else line
    write(place / "pmlcli.toml", text)
    result = run("algorithms")
    assert (result.exit_code, f"unknown key '{name}q'" in result.stderr) == (2, True)
    hint = result.stderr.partition("hint: ")[2].strip()
    proposed = set(re.findall(r"'([^']+)'", hint) or hint.removeprefix("there are: ").split(", "))
    assert proposed
    for key in proposed - set(COMMANDS):
        holders = [concern(c, o) for c, o in ALL if key in names_of(o) and (form == "top" or c == command)]
        assert any(one is not None and one.may_be_found for one in holders), key
    # A file that the user named may set it, so there it is proposed.
    named = run("algorithms", "--config", write(place / "mine.toml", text))
    assert f"did you mean '{name}'?" in named.stderr


ALLOWED = [(n, o) for n, o in ALL if concern(n, o).may_be_found and n != "verify"]  # type: ignore[union-attr]


@pytest.mark.parametrize(("command", "option"), ALLOWED, ids=[f"{c} {o.name}" for c, o in ALLOWED])
def test_a_found_file_may_set_what_is_asked_and_says_so(place: Path, command: str, option: Any) -> None:
    settings = _config_file.Settings("pmlcli.toml", {command: {names_of(option)[0]: True}}, is_found=True)
    context = typer.Context(COMMAND, info_name="pmlcli")  # type: ignore[arg-type]
    inner = typer.Context(COMMANDS[command], info_name=command, parent=context)
    from pmlcli.cli import _config

    assert set(_config._defaults(inner, settings)) == {option.name}


@pytest.mark.parametrize(("command", "option"), ALL, ids=IDS)
def test_the_user_s_own_file_and_a_named_one_may_set_everything(
    place: Path, command: str, option: Any
) -> None:
    from pmlcli.cli import _config

    settings = _config_file.Settings("own.toml", {command: {names_of(option)[0]: True}})
    context = typer.Context(COMMAND, info_name="pmlcli")
    inner = typer.Context(COMMANDS[command], info_name=command, parent=context)
    assert set(_config._defaults(inner, settings)) == {option.name}


# --- behaviour, one option of each class from each source

STRANGER = "not a key\n"


def sources(
    place: Path, own: Path, monkeypatch: pytest.MonkeyPatch, text: str, variable: str
) -> dict[str, Any]:
    """How to set the same by each source but the command line."""
    return {
        "own": lambda: (write(own, text), [])[1],
        "named": lambda: ["--config", write(place / "named.toml", text)],
        "variable": lambda: (monkeypatch.setenv(*variable.split("=", 1)), [])[1],
        "found": lambda: (write(place / "pmlcli.toml", text), [])[1],
    }


@pytest.mark.parametrize("source", ["own", "named", "variable", "found"])
def test_whom_to_trust(
    run: Run, place: Path, own: Path, model: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    given = sources(place, own, monkeypatch, "require-signature = true\n", "PMLCLI_REQUIRE_SIGNATURE=1")[
        source
    ]()
    result = run("verify", model, *given)
    # A found file may not even tighten: it is refused, not obeyed in part.
    assert result.exit_code == (2 if source == "found" else 5)
    assert ("'require-signature' cannot be set" in result.stderr) == (source == "found")


@pytest.mark.parametrize("source", ["own", "named", "variable", "found"])
def test_where_files_go(
    run: Run, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    given = sources(place, own, monkeypatch, 'log-file = "said.txt"\n', "PMLCLI_LOG_FILE=said.txt")[source]()
    result = run("algorithms", "no-such", *given)
    assert result.exit_code == 2
    assert (place / "said.txt").exists() == (source != "found")


@pytest.mark.parametrize("source", ["own", "named", "variable", "found"])
def test_how_much_is_allowed(
    run: Run, place: Path, own: Path, csv_log: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    given = sources(place, own, monkeypatch, "max-input-bytes = 10\n", "PMLCLI_MAX_INPUT_BYTES=10")[source]()
    result = run("inspect", csv_log, *given)
    assert result.exit_code == (2 if source == "found" else 3)


@pytest.mark.parametrize("source", ["own", "named", "variable", "found"])
def test_what_is_asked_and_how_it_is_shown(
    run: Run, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    text = 'json = true\n[algorithms]\ntask = "forecast"\n'
    monkeypatch.setenv("PMLCLI_JSON", "1")
    given = sources(place, own, monkeypatch, text, "PMLCLI_TASK=forecast")[source]()
    result = run("algorithms", *given)
    assert {card["task"] for card in json.loads(result.stdout)["algorithms"]} == {"forecast"}
    told = "settings found in pmlcli.toml: task = forecast\n"
    assert result.stderr == (told if source == "found" else "")


def test_the_order_of_sources(run: Run, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def task(*more: object) -> str:
        cards = json.loads(run("algorithms", "--json", *more).stdout)["algorithms"]
        (found,) = {card["task"] for card in cards}
        return str(found)

    write(own, 'task = "outcome"\n')
    assert task() == "outcome"
    write(place / "pmlcli.toml", 'task = "suffix"\n')
    assert task() == "suffix"
    named = write(place / "named.toml", 'task = "anomaly"\n')
    assert task("--config", named) == "anomaly"
    monkeypatch.setenv("PMLCLI_TASK", "forecast")
    assert task("--config", named) == "forecast"
    assert task("--config", named, "-t", "next-activity") == "next-activity"


def test_a_weaker_source_loosens_nothing(
    run: Run, place: Path, own: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(own, "require-signature = false\n")
    named = write(place / "named.toml", "require-signature = false\n")
    monkeypatch.setenv("PMLCLI_REQUIRE_SIGNATURE", "1")
    assert run("verify", model, "--config", named).exit_code == 5
    monkeypatch.delenv("PMLCLI_REQUIRE_SIGNATURE")
    assert run("verify", model, "--require-signature", "--config", named).exit_code == 5
    # A named file that is silent takes nothing back of what the user's own says.
    write(own, "require-signature = true\n")
    silent = write(place / "silent.toml", "threads = 1\n")
    assert run("verify", model, "--config", silent).exit_code == 5


def test_isolation_is_the_counterpart_of_no_isolation(
    run: Run, place: Path, own: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pmlcli.lifecycle import fresh, isolation

    def refused(*_arguments: object) -> None:
        raise PredictionError("asked in a process of its own")

    monkeypatch.setattr(isolation, "is_possible", lambda: False)
    monkeypatch.setattr(fresh, "ask", refused)
    for text in ("isolation = false\n", "no-isolation = true\n"):
        write(own, text)
        assert run("verify", model).exit_code == 0
        assert run("verify", model, "--isolation").exit_code != 0
    own.unlink()
    monkeypatch.setenv("PMLCLI_ISOLATION", "0")
    assert run("verify", model).exit_code == 0
    assert run("verify", model, "--isolation").exit_code != 0


# --- what is said


def test_what_is_overridden_is_not_told(run: Run, place: Path) -> None:
    write(place / "pmlcli.toml", 'task = "suffix"\nverbose = true\n')
    assert run("algorithms").stderr == "settings found in pmlcli.toml: task = suffix, verbose = true\n"
    assert run("algorithms", "-t", "suffix").stderr == "settings found in pmlcli.toml: verbose = true\n"
    write(place / "pmlcli.toml", 'timezone = "UTC"\n')
    assert run("algorithms").stderr == ""


def test_q_keeps_it_back_on_good_days_alone(run: Run, place: Path, model: Path) -> None:
    write(place / "pmlcli.toml", 'task = "suffix"\n[predict]\nlevel = "case"\n')
    told = "settings found in pmlcli.toml: "
    assert run("algorithms", "-q").stderr == ""
    failed = run("algorithms", "no-such", "-q")
    assert failed.stderr.startswith(f"{told}task = suffix\nerror: ")
    failed = run("predict", model, "none.csv", "-q")
    assert failed.stderr.startswith(f"{told}level = case\nerror: ")


def test_what_is_told_is_harmless_and_short(run: Run, place: Path) -> None:
    write(place / "pmlcli.toml", f'[algorithms]\ntask = "\\u001b[2J{"x" * 500}"\n')
    result = run("algorithms")
    assert "\x1b" not in result.stderr
    assert len(result.stderr.splitlines()[0]) < 200


def test_the_log_file_has_it_too(run: Run, place: Path) -> None:
    write(place / "pmlcli.toml", 'task = "suffix"\n')
    assert run("algorithms", "--log-file", "said.txt", "-q").exit_code == 0
    assert "settings found in pmlcli.toml: task = suffix" in (place / "said.txt").read_text()


def test_a_level_for_predict_is_not_one_for_verify(run: Run, place: Path) -> None:
    write(place / "pmlcli.toml", 'level = "structure"\n')
    result = run("algorithms")
    assert result.exit_code == 2
    assert "put it into the table [predict]" in result.stderr
    write(place / "pmlcli.toml", '[predict]\nlevel = "case"\n')
    assert run("algorithms").exit_code == 0


# --- hostile files


@ONLY_ROOT
@pytest.mark.parametrize("file", ["pmlcli.toml", "pyproject.toml"])
def test_a_found_file_of_another_owner_is_refused(run: Run, place: Path, file: str) -> None:
    prefix = "tool.pmlcli." if file == "pyproject.toml" else ""
    os.chown(write(place / file, f'[{prefix}algorithms]\ntask = "suffix"\n'), SOMEBODY, SOMEBODY)
    result = run("algorithms")
    assert result.exit_code == 2
    assert "belongs to another user" in result.stderr
    assert run("algorithms", "--config", write(place / "mine.toml", "")).exit_code == 0


@ONLY_ROOT
def test_a_stranger_s_pyproject_about_other_things_is_no_matter(run: Run, place: Path) -> None:
    os.chown(write(place / "pyproject.toml", '[project]\nname = "x"\n'), SOMEBODY, SOMEBODY)
    assert run("algorithms").exit_code == 0


@ONLY_ROOT
def test_a_link_that_another_user_made_is_refused(run: Run, place: Path, tmp_path: Path) -> None:
    (place / "pmlcli.toml").symlink_to(write(tmp_path / "mine.toml", 'task = "suffix"\n'))
    assert run("algorithms").exit_code == 0
    os.chown(place / "pmlcli.toml", SOMEBODY, SOMEBODY, follow_symlinks=False)
    assert run("algorithms").exit_code == 2


def test_a_found_file_that_everybody_may_write_to_is_refused(run: Run, place: Path) -> None:
    write(place / "pmlcli.toml", 'task = "suffix"\n').chmod(0o666)
    result = run("algorithms")
    assert result.exit_code == 2
    assert "everybody may write to it" in result.stderr


@ONLY_ROOT
@pytest.mark.parametrize("what", ["file", "directory"])
def test_the_user_s_own_file_must_be_their_own(run: Run, own: Path, what: str) -> None:
    write(own, "threads = 1\n")
    assert run("algorithms").exit_code == 0
    os.chown(own if what == "file" else own.parent, SOMEBODY, SOMEBODY)
    result = run("algorithms")
    assert result.exit_code == 2
    assert "belongs to another user" in result.stderr


@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_nobody_else_may_write_the_user_s_own_file(run: Run, own: Path, what: str, mode: int) -> None:
    write(own, "threads = 1\n")
    path = own if what == "file" else own.parent
    path.chmod(path.stat().st_mode | mode)
    result = run("algorithms")
    assert result.exit_code == 2
    assert "others may write to it" in result.stderr
    assert f"chmod go-w {path}" in result.stderr


def test_the_user_s_own_file_may_be_a_link_into_a_safe_directory(run: Run, own: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir(mode=0o755)
    own.symlink_to(write(dotfiles / "config.toml", "threads = 1\n"))
    assert run("algorithms").exit_code == 0
    dotfiles.chmod(0o777)
    assert run("algorithms").exit_code == 2


@pytest.mark.parametrize("home", [".", "relative", "./relative"])
def test_a_relative_home_is_none(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", home)
    monkeypatch.setenv("HOME", home)
    for base in (place / "pmlcli", place / ".config" / "pmlcli", place / "relative" / "pmlcli"):
        base.mkdir(parents=True)
        write(base / "config.toml", 'task = "suffix"\n')
    assert _config_file.own_path() is None
    assert "anomaly" in run("algorithms").stdout


SHAPES = {
    "a directory": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a device without an end": lambda path: path.symlink_to("/dev/zero"),
    "a large file": lambda path: path.write_text("#" * (_config_file.MAX_BYTES + 1)),
    "a sparse file": lambda path: os.truncate(write(path, ""), 1 << 40),
    "deep brackets": lambda path: path.write_text("x = " + "[" * 100_000),
    "a long dotted key": lambda path: path.write_text(".".join(["a"] * 300_000) + " = 1"),
    "a long dotted table": lambda path: path.write_text("[" + ".".join(["a"] * 300_000) + "]"),
    "a long number": lambda path: path.write_text("x = " + "1" * 100_000),
    "not UTF-8": lambda path: path.write_bytes(b"x = '\xff'"),
    "NUL": lambda path: path.write_bytes(b"\0" * 100),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("where", ["found", "own"])
def test_a_file_of_an_odd_shape_is_one_line_at_once(
    run: Run, own: Path, place: Path, where: str, shape: str
) -> None:
    path = own if where == "own" else place / "pmlcli.toml"
    SHAPES[shape](path)
    started = time.process_time()
    result = run("algorithms")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("shape", ["a directory", "a pipe", "a link to nothing"])
def test_what_is_called_pyproject_and_is_no_file_is_no_matter(run: Run, place: Path, shape: str) -> None:
    SHAPES[shape](place / "pyproject.toml")
    assert run("algorithms").exit_code == 0


def test_a_named_file_may_be_a_pipe(place: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pmlcli algorithms --config <(echo 'task = \"suffix\"')"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "suffix/" in done.stdout and "anomaly/" not in done.stdout


def test_a_stranger_s_key_in_the_working_directory_satisfies_nobody(
    run: Run, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMLCLI_REQUIRE_SIGNATURE", "1")
    write(place / "pmlcli.toml", '[predict]\npublic-key = ["stranger.pub"]\n')
    result = run("predict", model, "log.csv")
    assert result.exit_code == 2
    assert (
        "'public-key' cannot be set by a file that is merely found, because it says whom to trust"
        in result.stderr
    )
