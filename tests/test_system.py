"""A system that lacks what pmlcli needs is refused in one line, from the command line and from Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import pmlcli
from pmlcli import __main__, errors, system
from pmlcli.lifecycle import confinement, isolation

ROOT = Path(__file__).parent.parent
# Windows as far as pmlcli meets it: these calls and modules are not there.
WINDOWS = """
import os, sys
for name in ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "geteuid", "pread", "fork"):
    delattr(os, name)
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource"):
            raise ModuleNotFoundError(name)
import importlib.util, importlib.machinery
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in ("fcntl", "resource") else found(name)
sys.meta_path.insert(0, Absent())
"""


def test_nothing_is_missing_here() -> None:
    assert system.missing() == []
    system.require()


@pytest.mark.parametrize("name", system._CALLS)
def test_a_missing_call_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, name)
    with pytest.raises(errors.UnsupportedSystemError) as found:
        system.require()
    assert found.value.message.endswith(f"lacks os.{name}")
    assert found.value.exit_code == 4
    assert found.value.context["missing"] == [f"os.{name}"]


def test_missing_modules_and_directories_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "find_spec", lambda name: None)
    monkeypatch.setattr(os, "supports_dir_fd", {os.open})
    assert {"fcntl", "resource", "os.rename(dir_fd)"} <= {*system.missing()}
    assert "os.open(dir_fd)" not in system.missing()


@pytest.mark.parametrize("name", [name for name in pmlcli._HOMES if name not in vars(errors)])
def test_every_public_name_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "missing", lambda: ["fcntl"])
    if name in vars(pmlcli):  # a package that was imported is found without asking
        monkeypatch.delattr(pmlcli, name)
    with pytest.raises(pmlcli.UnsupportedSystemError, match="fcntl"):
        getattr(pmlcli, name)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "log.csv"], ["verify", "model", "--json"]])
def test_every_command_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing", lambda: ["fcntl"])
    monkeypatch.setattr(sys, "argv", ["pmlcli", *arguments])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 4
    shown = capsys.readouterr()
    if "--json" in arguments:
        assert json.loads(shown.out)["error"]["code"] == "system"
    else:
        assert shown.out == ""
        assert [line.partition(":")[0] for line in shown.err.splitlines()] == ["error", "hint"]


def test_nothing_that_windows_lacks_is_imported_before() -> None:
    code = f"{WINDOWS}\nfrom pmlcli.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith("error: pmlcli does not run on ")
    assert "fcntl" in done.stderr and "Traceback" not in done.stderr


def test_memory_without_a_limit_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(record=True, action="always") as told:
        isolation.warn_of_memory()
        assert told == []
        monkeypatch.setattr(confinement, "_address_space", lambda: None)
        isolation.warn_of_memory()
    assert [str(one.message).partition(":")[0] for one in told] == [
        "this system cannot limit the memory of a model's process"
    ]
