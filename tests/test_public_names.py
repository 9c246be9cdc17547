"""What is public exists, and nothing else claims to be."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pmlcli
from pmlcli import errors


@pytest.mark.parametrize("name", pmlcli.__all__)
def test_public_name_exists(name: str) -> None:
    assert getattr(pmlcli, name) is not None


def test_every_error_is_public() -> None:
    declared = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.PmlError)}
    assert declared <= set(pmlcli.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        pmlcli.no_such_name  # noqa: B018


def test_importing_pmlcli_imports_no_library() -> None:
    heavy = {"numpy", "pandas", "sklearn", "typer", "torch"}
    code = f"import sys, pmlcli; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_error_has_its_exit_code_and_a_plain_form() -> None:
    error = errors.MissingDependencyError("torch", extra="neural", needed_by="next-activity/gru")
    assert error.to_dict() == {
        "kind": "MissingDependencyError",
        "code": "dependency",
        "exit_code": 4,
        "message": "next-activity/gru needs the library 'torch', which is not installed",
        "hint": "pip install 'pmlcli[neural]'",
        "context": {"dependency": "torch", "extra": "neural"},
    }
