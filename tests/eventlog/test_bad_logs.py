"""Logs that cannot be used: each is one LogError that says where, what and what to do."""

import gzip
import io
import os
import zipfile
import zlib
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import read_log

HEAD = "case_id,activity,timestamp\n"
ROW = "1,a,2024-01-01T00:00:00Z\n"
EVENT = '<event><string key="concept:name" value="a"/></event>'
XES = f'<log><trace><string key="concept:name" value="1"/>{EVENT}</trace></log>'
GZ = gzip.compress((HEAD + ROW * 50_000).encode())


def zipped(compression: int = zipfile.ZIP_DEFLATED, **files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def damaged(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 0xFF]) + data[41:]


def event(inside: str) -> str:
    return XES.replace('value="a"/>', f'value="a"/>{inside}')


BAD = {
    "empty": ("x.csv", "", "the file is empty"),
    "header only": ("x.csv", HEAD, "no events"),
    "no traces": ("x.xes", "<log></log>", "no events"),
    "empty traces": ("x.xes", "<log><trace/><trace/></log>", "no events"),
    "cut xes": ("x.xes", XES[:-20], "the file ends inside <trace>: it is incomplete"),
    "cut tag": ("x.xes", XES[:-3], "it is incomplete"),
    "html": ("x.xes", "<html><body>Not found</body></html>", "the root element is <html>, not <log>"),
    "html doctype": ("x.xes", "<!DOCTYPE html><html/>", "an HTML page, not a log"),
    "csv named xes": ("x.xes", HEAD + ROW, "line 1: not XML"),
    "json": ("x.json", "{}", "looks like JSON, but not"),
    "cut zip": ("x.csv", b"PK\x03\x04....", "the zip archive is cut off"),
    "zip of two": ("x.zip", zipped(a=HEAD, b=HEAD), "a zip archive of 2 files"),
    "zip of none": ("x.zip", zipped(), "a zip archive of no file"),
    "damaged zip": ("x.zip", damaged(zipped(a=HEAD + ROW * 99)), "the zip archive is damaged"),
    "zip without names": ("x.zip", zipped(0, a="zz").replace(b"a", b"\0"), "no column for|is damaged"),
    "lzma zip": ("x.zip", zipped(zipfile.ZIP_LZMA, a=HEAD), "packed in a way that is not read"),
    "workbook": ("x.xlsx", zipped(**{"b": "y", "[Content_Types].xml": "x"}), "an Excel workbook"),
    "zip bomb": ("x.zip", zipped(a=HEAD + ("1,a," + "x" * 999_998 + "\n") * 80), "inflates too much"),
    "blank lines": ("x.csv", HEAD + ROW + "\n" * 200_000, "more than 100,000 blank lines"),
    "long line": ("x.csv", HEAD + "x" * 20_000_000, "a line longer than 16,777,216"),
    "zstd": ("x.zst", b"\x28\xb5\x2f\xfd1234", "packed with zstd"),
    "utf-16 without mark": ("x.csv", (HEAD + ROW).encode("utf-16-le"), "line 1: NUL byte"),
    "laughs": ("x.xes", '<!DOCTYPE l [<!ENTITY a "b">]>' + XES, "a DTD is not allowed"),
    "external": ("x.xes", '<!DOCTYPE l SYSTEM "http://localhost/x.dtd">' + XES, "a DTD is not allowed"),
    "gz cut": ("x.csv.gz", GZ[:-20], "the gzip stream is cut off"),
    "gz crc": ("x.csv.gz", GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "the gzip data is damaged"),
    "gz rubbish": ("x.csv.gz", GZ + b"rubbish", "the gzip data is damaged"),
    "nul csv": ("x.csv", HEAD + ROW + "1,a\0,2024-01-01\n", "line 3: NUL byte"),
    "nul xes": ("x.xes", XES.replace("a", "a\0"), "NUL byte"),
    "nul reference": ("x.xes", XES.replace('"a"', '"&#0;"'), "line 1"),
    "not utf-8": ("x.xes", XES.encode().replace(b'"a"', b'"\xe9"'), "line 1, column"),
    "unknown encoding": ("x.xes", '<?xml version="1.0" encoding="x-foo-42"?>' + XES, "unknown encoding"),
    "attributes": (
        "x.xes",
        event("".join(f'<int key="k{i}" value="1"/>' for i in range(1001))),
        "more than 1,000",
    ),
    "nesting": ("x.xes", event('<string key="n" value="1">' * 70), "nested deeper than 64"),
    "long value": ("x.xes", event(f'<string key="n" value="{"x" * 3_000_000}"/>'), "longer than 1"),
    "twice": (
        "x.xes",
        event('<string key="concept:name" value="b"/>'),
        "'concept:name' given twice .*line 1",
    ),
    "trace twice": (
        "x.xes",
        XES.replace("<event", '<string key="concept:name" value="2"/><event', 1),
        "given twice",
    ),
    "stray event": ("x.xes", f"<log>{EVENT}{XES[5:]}", "event outside a trace"),
    "stray trace": ("x.xes", event("<trace/>"), "<trace> stands inside"),
    "object-centric": (
        "x.xml",
        "<log><global><attribute/></global><events><event/></events></log>",
        "without objects",
    ),
    "two logs": ("x.xes", XES + XES, "junk after document element"),
    "no activity": ("x.xes", XES.replace("concept:name", "x"), "no column for 'activity'"),
    "no case": ("x.csv", "activity,timestamp\na,2024-01-01\n", "no column for 'case_id'"),
    "empty case": ("x.csv", HEAD + ROW + ",a,2024-01-01\n", r"1 of 2 rows .*no case_id \(1; first: line 3"),
    "empty activity": ("x.csv", HEAD + ROW + "1,,2024-01-01\n", r"no activity \(1; first: line 3"),
    "no time": ("x.csv", HEAD + ROW + "1,a,\n", r"no timestamp \(1; first: line 3"),
    "bad times": (
        "x.csv",
        HEAD + "1,a,yesterday\n" * 2 + ROW,
        "2 of 3 .*not a time .2; first: line 2, 'yesterday'",
    ),
    "header twice": ("x.csv", "case_id,activity,activity\n1,a,b\n", "column 'activity' twice"),
    "too many": (
        "x.csv",
        HEAD + "1,a,2024-01-01,x\n" + ROW,
        r"too many cells, expected 3 \(1; first: line 2",
    ),
    "too few": ("x.csv", HEAD + ROW + "1,a\n", r"too few cells, expected 3 \(1; first: line 3"),
    "open quote": (
        "x.csv",
        HEAD + ROW + '1,"a,2024-01-01\n' + ROW,
        "line 3: a quote is opened and never closed",
    ),
    "wrong quote": ("x.csv", HEAD + '1,"a"b,2024-01-01\n', "line 2: malformed CSV"),
    "wide": ("x.csv", ",".join(map(str, range(10_001))) + "\n", "10,001 columns"),
    "long cell": ("x.csv", HEAD + f"1,{'x' * 2_000_000},2024-01-01\n", "a cell longer than"),
    "parquet": ("x.parquet", b"PAR1 this is no Parquet file PAR1", "damaged Parquet"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(case: str, tmp_path: Path) -> None:
    name, content, message = BAD[case]
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(LogError, match=message) as caught:
        read_log(path)
    assert caught.value.message.startswith(str(path))


@pytest.mark.parametrize(
    ("true", "false"),
    [
        (b'"index_columns"', b'"indey_columns"'),
        (b"datetime64[us", b"datetime65[us"),
        (b"Pr\xc3\xbcf", b"Pr\xc3\xc3f"),
    ],
)
def test_parquet_that_no_tool_wrote(true: bytes, false: bytes, tmp_path: Path) -> None:
    log = {"case_id": ["1"], "activity": ["Prüf"], "timestamp": [pd.Timestamp("2024-01-01", tz="UTC")]}
    path = tmp_path / "x.parquet"
    pd.DataFrame(log).to_parquet(path, compression=None)
    assert read_log(path).activities == ("Prüf",)
    path.write_bytes(path.read_bytes().replace(true, false))
    with pytest.raises(LogError, match=r"x.parquet: damaged Parquet file"):
        read_log(path)


def test_a_year_that_python_cannot_write() -> None:
    times = pd.Series(np.array(["182413-09-24"], dtype="datetime64[us]")).dt.tz_localize("UTC")
    with pytest.raises(LogError, match=r"out of range .*'182413-09-24T"):
        read_log(
            pd.DataFrame(
                {
                    "case_id": ["1"],
                    "activity": ["a"],
                    "timestamp": times.dt.tz_convert(ZoneInfo("Europe/Berlin")),
                }
            )
        )


def test_what_stands_before_a_nul_is_judged_first(tmp_path: Path) -> None:
    path = tmp_path / "x.xes"
    path.write_bytes(b'<?xml versio\x83n="1.0"?><log>' + b"\0")
    with pytest.raises(LogError, match="line 1, column 13: not UTF-8"):
        read_log(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such file"):
        read_log(tmp_path / "absent.csv")
    with pytest.raises(LogError, match="a directory, not a log"):
        read_log(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(LogError, match="not a regular file"):
        read_log(tmp_path / "fifo")


def test_wrong_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text((HEAD + ROW).replace(",", ";"))
    with pytest.raises(LogError, match="no column for 'case_id'") as caught:
        read_log(path, delimiter=",")
    assert caught.value.hint == "is the delimiter right? (--delimiter)"


def test_wanted_column_gets_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEAD + ROW)
    with pytest.raises(LogError, match="column 'activty' not found") as caught:
        read_log(path, columns={"activity": "activty"})
    assert caught.value.hint == "did you mean --columns activity=activity?"


def test_bombs(tmp_path: Path) -> None:
    path = tmp_path / "x.xes.gz"
    squeeze = zlib.compressobj(9, wbits=31)
    blank = b"\n" * (1 << 20)
    path.write_bytes(
        b"".join([squeeze.compress(b"<log>"), *(squeeze.compress(blank) for _ in range(80)), squeeze.flush()])
    )
    with pytest.raises(LogError, match="inflates too much") as caught:
        read_log(path)
    assert "--max-ratio" in str(caught.value.hint)
    with pytest.raises(LogError, match="it is incomplete"):
        read_log(path, max_ratio=0)
    with pytest.raises(LogError, match="more than 1,000,000 bytes"):
        read_log(path, max_input_bytes=1_000_000)


def test_every_refusal_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEAD + ROW + ",a,2024-01-01\n1,,x\n1,a,x\n1,a\n" + ROW)
    with pytest.raises(LogError, match="4 of 6 rows"):
        read_log(path)
    ledger = read_log(path, on_bad_row="drop").ledger
    assert (ledger.rows_read, ledger.events_used) == (6, 2)
    assert {r.reason: r.lines for r in ledger.refused} == {
        "too few cells, expected 3": (6,),
        "no case_id": (3,),
        "no activity": (4,),
        "timestamp is not a time": (5,),
    }


def test_all_rows_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEAD + "1,,2024-01-01\n")
    with pytest.raises(LogError, match="no events: all 1 rows are refused"):
        read_log(path, on_bad_row="drop")
