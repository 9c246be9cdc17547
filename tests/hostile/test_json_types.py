"""Every key of every mapping that the asking process reads, with a value of every other JSON type."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import PersistenceError, ValidationError
from pmlcli.lifecycle import contract
from pmlcli.lifecycle.inspection import inspect_model
from pmlcli.lifecycle.model import Model
from pmlcli.render import text
from pmlcli.render.block import plain
from pmlcli.store.manifest import record_of
from tests.cli.conftest import Run, csv_log, model, place, run

__all__ = ["csv_log", "model", "place", "run"]
VALUES: list[Any] = [None, True, -1, 1.5, "x", [], [None], {}, {"x": 1}]
Path_ = tuple[Any, ...]


def paths(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """The place of every key, and of each list's first item."""
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, item in inner:
        yield (*at, key)
        yield from paths(item, (*at, key))


def changed(document: Any, path: Path_, value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


def test_every_type_in_every_key_of_a_manifest_is_refused_or_shown(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "m")
    file = tmp_path / "m" / "manifest.json"
    manifest = json.loads(file.read_text())
    shown = refused = 0
    for path in paths(manifest):
        for value in VALUES:
            file.write_text(json.dumps(changed(manifest, path, value)))
            try:
                assert plain(text.model(inspect_model(tmp_path / "m")))
                shown += 1
            except PersistenceError:
                refused += 1
            try:
                Model.load(tmp_path / "m")
            except PersistenceError:
                refused += 1
    assert shown > 100
    assert refused > 100


def test_every_key_of_the_input_schema_has_a_type(model: Path) -> None:
    schema = json.loads((model / "manifest.json").read_text())["input_schema"]
    contract.check_schema(schema)
    assert schema.keys() <= contract._SCHEMA.keys()
    whole = schema | {"pair_lifecycle": True, "lifecycle": ["a"], "object_type": "x", "regressors": ["r"]}
    whole |= {"tie_breaker": "n"}
    for key in contract._SCHEMA:
        for value in VALUES:
            fits = ("x", True, [], {}, {"x": 1} if key == "vocabulary_sizes" else None)
            if type(value) is type(whole[key]) and value in fits:
                continue
            with pytest.raises(ValidationError, match="input_schema"):
                contract.check_schema(whole | {key: value})


@pytest.mark.parametrize("file", ["manifest.json", "threshold.json", "reference.json", "canary.json"])
def test_no_type_in_any_key_is_a_bug_of_a_command(
    file: str, model: Path, csv_log: Path, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "m"
    shutil.copytree(model, target)
    manifest = json.loads((target / "manifest.json").read_text())
    where = target / file if file == "manifest.json" else target / "artifacts" / file
    document = json.loads(where.read_text())
    tops = [(key,) for key in document]
    if file == "manifest.json":
        tops = [("input_schema", key) for key in document["input_schema"]]
    for path in tops:
        for value in (None, 1, [1], {"x": 1}, "x"):
            data = json.dumps(changed(document, path, value)).encode()
            where.write_bytes(data)
            if file != "manifest.json":
                kept = [one for one in manifest["artifacts"] if one["filename"] != file]
                listed = {**manifest, "artifacts": [*kept, asdict(record_of(file, data))]}
                (target / "manifest.json").write_text(json.dumps(listed))
            commands = [("predict", target, csv_log, "--no-isolation"), ("inspect", target)]
            commands += [("verify", target, "--no-isolation")] if file == "canary.json" else []
            for command in commands:
                done = run(*command)
                assert done.exit_code in (0, 2, 3, 4, 5), (command[0], path, value, done.stderr)
