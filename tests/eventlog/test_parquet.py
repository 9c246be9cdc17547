"""Parquet files: texts stay coded, and what would be out of proportion is refused before it is unpacked."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.parquet_pages import pages

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

KINDS = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "bytes": pa.binary(),
    "fixed bytes": pa.binary(1000),
    "texts in lists": pa.list_(pa.string()),
    "texts in structs": pa.struct([("t", pa.string())]),
}


def repeated(kind: object, size: int, rows: int) -> object:
    """A column that says one long thing in every row."""
    text = "x" * size
    value = {"t": text} if pa.types.is_struct(kind) else [text] if pa.types.is_list(kind) else text
    if pa.types.is_fixed_size_binary(kind):
        value = b"x" * 1000
    plain = pa.array([value], type=kind)
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), plain).dictionary_decode()


def written(path: Path, rows: int, **columns: object) -> Path:
    base = {"case_id": pa.array(np.arange(rows) // 3), "activity": pa.array(["a"] * rows)}
    pq.write_table(pa.table({**base, **columns}), path, compression="zstd")
    return path


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


@pytest.mark.parametrize("kind", KINDS)
def test_one_long_text_in_every_row_is_cheap_or_refused(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "x.parquet", 100_000, x=repeated(KINDS[kind], 1_500, 100_000))
    assert path.stat().st_size < 500_000
    before = peak()
    if kind in ("text", "large text", "bytes"):
        log = read_log(path)
        assert log.n_events == 100_000 and log.frame["x"].nunique() == 1
    else:
        with pytest.raises(LogError, match=r"inflates too much .* in column 'x") as caught:
            read_log(path)
        assert caught.value.code == "log.bomb"
    assert peak() - before < 100


@pytest.mark.parametrize("kind", ["integer", "time", "truth", "nothing", "text"])
def test_more_rows_than_a_file_of_its_size_has_are_refused(tmp_path: Path, kind: str) -> None:
    rows = 10_000_000
    cells = {
        "integer": pa.array(np.zeros(rows, dtype=np.int64)),
        "time": pa.array(np.zeros(rows, dtype="datetime64[us]")),
        "truth": pa.array(np.zeros(rows, dtype=bool)),
        "nothing": pa.nulls(rows, pa.string()),
        "text": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["a"])),
    }[kind]
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"case_id": cells}), path, compression="zstd")
    assert path.stat().st_size < 200_000
    with pytest.raises(LogError, match="inflates too much"):
        read_log(path)


def test_a_page_that_unpacks_to_much_is_refused_before_it_is(tmp_path: Path) -> None:
    text = pa.array(["x" * 100_000_000])
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"case_id": text, "activity": text}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(LogError, match="inflates too much"):
        read_log(path)


def test_texts_that_share_their_beginning_are_counted_at_their_worst(tmp_path: Path) -> None:
    text = pa.array(["x" * 100_000 + f"{i:05}" for i in range(20_000)])
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"case_id": text}),
        path,
        use_dictionary=False,
        column_encoding={"case_id": "DELTA_BYTE_ARRAY"},
        data_page_version="2.0",
    )
    assert path.stat().st_size < 1_000_000
    with pytest.raises(LogError, match="inflates too much"):
        read_log(path)


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_text_of_over_a_megabyte_is_refused(tmp_path: Path, use_dictionary: bool) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"case_id": ["1"], "activity": ["a"], "x": ["y" * ((1 << 20) + 1)]})
    pq.write_table(table, path, use_dictionary=use_dictionary)
    with pytest.raises(LogError, match="column 'x': a value longer than 1 MB"):
        read_log(path)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli"])
def test_pages_are_found_as_they_were_written(tmp_path: Path, version: str, compression: str) -> None:
    rows = 5_000
    path = tmp_path / "x.parquet"
    cells = {"n": np.arange(rows), "t": [f"text {i}" for i in range(rows)], "f": np.linspace(0, 1, rows)}
    pq.write_table(
        pa.table(cells), path, compression=compression, data_page_version=version, data_page_size=4_096
    )
    data = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    for number in range(3):
        chunk = group.column(number)
        first = chunk.dictionary_page_offset or chunk.data_page_offset
        found = list(pages(data, first, first + chunk.total_compressed_size))
        assert sum(page.values for page in found) == rows
        assert sum(page.is_dictionary for page in found) == int(chunk.has_dictionary_page)
        assert sum(page.size for page in found) <= chunk.total_uncompressed_size


def test_categories_are_read_as_their_texts() -> None:
    values = pd.Series(pd.Categorical(["b", None, "a", "b"], categories=["z", "a", "b"]))
    frame = pd.DataFrame({"case_id": ["1", "1", "2", "2"], "activity": ["x"] * 4, "v": values})
    mixed = pd.Series(pd.Categorical([1, "1", None, 2.5]))
    log = read_log(frame.assign(m=mixed))
    assert log.frame["v"].astype(object).where(log.frame["v"].notna(), None).tolist() == ["b", None, "a", "b"]
    assert log.frame["m"].astype(object).where(log.frame["m"].notna(), None).tolist() == [
        "1",
        "1",
        None,
        "2.5",
    ]


def test_what_pandas_writes_of_every_kind_of_column_reads_as_the_frame_does(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "case_id": pd.Categorical(["1", "1", "2"]),
            "activity": ["a", "b", "a"],
            "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"], utc=True),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "broken": [0.5, np.nan, 2.0],
            "truth": pd.array([True, None, False], dtype="boolean"),
            "list": [["a"], [], None],
            "dict": [{"k": 1}, None, {"k": 2}],
            "text": ["x", None, "x"],
        }
    )
    path = tmp_path / "x.parquet"
    frame.to_parquet(path, row_group_size=2)
    read, direct = read_log(path).frame, read_log(frame).frame
    same = [name for name in direct if name not in ("list", "dict")]
    pd.testing.assert_frame_equal(read[same], direct[same])
    assert read["list"].notna().tolist() == [True, True, False]
