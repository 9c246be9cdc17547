"""The manifest: canonical out, strict in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import IncompatibleVersionError, PersistenceError
from pmlcli.store.manifest import Manifest, parse, record_of, root_digest

Fields = dict[str, Any]
RECORD = {
    "name": "model",
    "filename": "model.json",
    "artifact_type": "json",
    "checksum": "0" * 64,
    "size_bytes": 2,
}


def manifest_of(fields: Fields) -> Manifest:
    return Manifest(**fields, artifacts=(record_of("model.json", b"{}"), record_of("threshold.json", b"1")))


def test_round_trip_is_exact_and_canonical(manifest_fields: Fields) -> None:
    manifest = manifest_of(manifest_fields)
    data = manifest.to_bytes()
    assert parse(data) == manifest
    assert data.endswith(b"}\n")
    assert list(json.loads(data)) == sorted(json.loads(data))
    assert parse(data).to_bytes() == data
    assert len(root_digest(data)) == 64


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.text(st.characters(codec="utf-8")), plain, max_size=5))
def test_any_plain_mapping_survives(manifest_fields: Fields, values: Fields) -> None:
    manifest = manifest_of({**manifest_fields, "hyperparameters": values})
    assert parse(manifest.to_bytes()) == manifest


@pytest.mark.parametrize("bad", [{"a": float("nan")}, {"a": float("inf")}, {1: 2}, {"a": (1, 2)}, {"a": {1}}])
def test_what_would_not_read_back_is_not_written(manifest_fields: Fields, bad: Any) -> None:
    with pytest.raises(PersistenceError):
        manifest_of({**manifest_fields, "performance_metrics": bad}).to_bytes()


def test_newer_schema_names_both_versions(manifest_fields: Fields) -> None:
    data = manifest_of(manifest_fields).to_bytes().replace(b'"schema_version": 1', b'"schema_version": 3')
    with pytest.raises(IncompatibleVersionError, match="schema 3, this one reads 1"):
        parse(data)


def edited(**changes: Any) -> Callable[[Fields], Any]:
    return lambda value: {**value, **changes}


def without(key: str) -> Callable[[Fields], Any]:
    return lambda value: {name: item for name, item in value.items() if name != key}


def record_with(**changes: Any) -> Callable[[Fields], Any]:
    return edited(artifacts=[{**RECORD, **changes}])


BAD_VALUES: dict[str, tuple[Callable[[Fields], Any], str]] = {
    "list": (lambda _: [], "an object"),
    "text": (lambda _: "manifest", "an object"),
    "no_schema": (without("schema_version"), "schema_version"),
    "schema_zero": (edited(schema_version=0), "schema_version"),
    "schema_true": (edited(schema_version=True), "schema_version"),
    "schema_text": (edited(schema_version="1"), "schema_version"),
    "schema_real": (edited(schema_version=1.0), "schema_version"),
    "unknown_key": (edited(loader_module="os"), "loader_module"),
    "missing_key": (without("artifacts"), "artifacts"),
    "empty_id": (edited(model_id=""), "model_id"),
    "id_with_escape": (edited(model_id="a\x1b[31m"), "model_id"),
    "id_with_bidi": (edited(model_id="a\u202eb"), "model_id"),
    "module_as_type": (edited(model_type="os.system"), "model_type"),
    "path_as_type": (edited(model_type="../anomaly/x"), "model_type"),
    "type_with_newline": (edited(model_type="anomaly/x\n"), "model_type"),
    "odd_status": (edited(status="done"), "status"),
    "status_list": (edited(status=[]), "status"),
    "local_time": (edited(created_at="2024-01-02T03:04:05+02:00"), "created_at"),
    "negative_samples": (edited(training_samples=-1), "training_samples"),
    "real_samples": (edited(training_samples=1.5), "training_samples"),
    "true_samples": (edited(training_samples=True), "training_samples"),
    "dependencies_number": (edited(dependencies={"numpy": 2}), "dependencies"),
    "list_for_object": (edited(hyperparameters=[]), "hyperparameters"),
    "artifacts_object": (edited(artifacts={}), "artifacts"),
    "record_text": (edited(artifacts=["model.json"]), r"artifacts\[0\]"),
    "record_unknown_key": (record_with(module="os"), r"artifacts\[0\].'module'"),
    "record_without_size": (edited(artifacts=[without("size_bytes")(RECORD)]), "size_bytes"),
    "parent": (record_with(filename="../secret.json"), "filename"),
    "absolute": (record_with(filename="/etc/passwd.json"), "filename"),
    "sub_directory": (record_with(filename="a/model.json"), "filename"),
    "backslash": (record_with(filename="..\\model.json"), "filename"),
    "nul": (record_with(filename="model\0.json"), "filename"),
    "newline": (record_with(filename="model.json\n"), "filename"),
    "drive": (record_with(filename="c:model.json"), "filename"),
    "hidden": (record_with(filename=".json"), "filename"),
    "other_name": (record_with(filename="other.json"), "name.artifact_type"),
    "python_file": (record_with(filename="model.py", artifact_type="py"), "artifact_type"),
    "pickle": (record_with(filename="model.pkl", artifact_type="pkl"), "artifact_type"),
    "filename_number": (record_with(filename=7), "filename"),
    "twice": (edited(artifacts=[RECORD, RECORD]), "each name listed once"),
    "twice_but_for_case": (
        edited(artifacts=[RECORD, {**RECORD, "name": "MODEL", "filename": "MODEL.json"}]),
        "each name listed once",
    ),
    "twice_but_for_type": (
        edited(artifacts=[RECORD, {**RECORD, "filename": "model.joblib", "artifact_type": "joblib"}]),
        "each name listed once",
    ),
    "short_checksum": (record_with(checksum="00"), "checksum"),
    "upper_checksum": (record_with(checksum="A" * 64), "checksum"),
    "size_huge": (record_with(size_bytes=10**12), "size_bytes"),
    "size_negative": (record_with(size_bytes=-1), "size_bytes"),
    "size_60_digits": (record_with(size_bytes=10**62), "more than 60 digits"),
    "too_many": (edited(artifacts=[RECORD] * 1001), "at most 1000"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_bad_value_is_refused_and_named(manifest_fields: Fields, case: str) -> None:
    edit, expected = BAD_VALUES[case]
    value = edit(json.loads(manifest_of(manifest_fields).to_bytes()))
    with pytest.raises(PersistenceError, match=expected) as caught:
        parse(json.dumps(value).encode())
    assert caught.value.exit_code == 5
    assert caught.value.context["findings"]


BAD_BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "line 1"),
    "cut": (b'{"schema_version": 1,', "line 1"),
    "twice": (b'{"schema_version": 1, "schema_version": 1}', "given twice"),
    "twice_inside": (b'{"a": {"b": 1, "b": 2}}', "given twice"),
    "twice_among_many": (
        b"{" + b",".join(b'"k%d": 0' % (i % 60_000) for i in range(60_001)) + b"}",
        "given twice",
    ),
    "nan": (b'{"a": NaN}', "NaN"),
    "infinity": (b'{"a": -Infinity}', "Infinity"),
    "too_large": (b'{"a": 1e999}', "too large"),
    "brackets": (b"[" * 100_000, "nested deeper"),
    "braces": (b'{"a":' * 1_000, "nested deeper"),
    "digits": (b'{"a": ' + b"1" * 5_000 + b"}", "5000 digits"),
    "megabyte": (b" " * 1_000_001, "more than 1000000"),
    "latin": (b'{"a": "\xe9"}', "not UTF-8 at byte 7"),
    "utf16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "mark": (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    "surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "trailing": (b"{} {}", "Extra data"),
    "control": (b'{"a": "\x01"}', "control"),
    "backslashes": (b'"' + b"\\" * 999_990, "line 1"),
    "quotes": (b'"\\' * 400_000, "line 1"),
    "nul": (b"\0" * 100, "line 1"),
}


@pytest.mark.parametrize("case", BAD_BYTES)
def test_bad_bytes_are_refused_and_named(case: str) -> None:
    data, expected = BAD_BYTES[case]
    with pytest.raises(PersistenceError, match=expected):
        parse(data)


def test_brackets_inside_text_are_not_depth(manifest_fields: Fields) -> None:
    manifest = manifest_of({**manifest_fields, "hyperparameters": {"a": "[" * 500 + '"\\' + "{" * 500}})
    assert parse(manifest.to_bytes()) == manifest


def test_all_findings_are_listed(manifest_fields: Fields) -> None:
    value = {**json.loads(manifest_of(manifest_fields).to_bytes()), "status": "x", "seed": "y", "extra": 1}
    with pytest.raises(PersistenceError) as caught:
        parse(json.dumps(value).encode())
    assert [finding["what"] for finding in caught.value.context["findings"]] == ["'extra'", "status", "seed"]


def test_reading_a_manifest_imports_no_library(manifest_fields: Fields) -> None:
    code = (
        "import sys; from pmlcli.store.manifest import parse; parse(sys.stdin.buffer.read());"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'joblib', 'torch', 'xgboost'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=manifest_of(manifest_fields).to_bytes(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == b"[]"
