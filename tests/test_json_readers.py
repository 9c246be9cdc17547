"""Every reader of JSON refuses a key given twice, of which Python would keep the last."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pmlcli.algorithms.forecast import _prophet_text as prophet_text
from pmlcli.errors import UntrustedArtifactError

ROOT = Path(__file__).parent.parent / "pmlcli"
OWN = {
    "_cards.py": "a file of the package",
    "lifecycle/contract.py": "what was dumped a moment before",
    "lifecycle/unchanged.py": "what was dumped a moment before",
    "evaluation/gates.py": "a quoted text in a gate, which holds no pairs",
    "reporting/layout.py": "what the layout program printed a moment before",
    "algorithms/_learning/trees.py": "parsed strictly by check_xgboost_json before",
}
"""Calls that read no file of a user, or only one that was parsed strictly, and why."""


def test_every_call_of_json_names_a_hook_for_pairs() -> None:
    naked = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("json.loads", "json.load"):
                continue
            if "object_pairs_hook" not in {keyword.arg for keyword in node.keywords}:
                naked.add(path.relative_to(ROOT).as_posix())
    assert naked == set(OWN)


def test_text_inside_a_model_is_read_as_strictly() -> None:
    with pytest.raises(UntrustedArtifactError):
        prophet_text._parsed('{"a": 1, "a": 2}', "model")
    assert prophet_text._parsed('{"a": [{"b": 2}]}', "model") == {"a": [{"b": 2}]}
