import gzip
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import ReadOptions, read_log, write_log

CSV = "case_id,activity,timestamp,resource,amount\n"
ROWS = "NA,null,2024-01-02T00:00:00Z,r1,1.5\n007,a,2024-01-01T00:00:00Z,,\nNA,b,2024-01-01T00:00:00Z,r2,2\n"


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return write(tmp_path / "log.csv", CSV + ROWS)


def test_a_log_is_sorted_coded_and_typed(csv_file: Path) -> None:
    log = read_log(csv_file)
    assert log.case_ids.tolist() == ["007", "NA"]
    assert log.frame["activity"].tolist() == ["a", "b", "null"]
    assert log.offsets.tolist() == [0, 1, 3]
    assert log.activities == ("a", "b", "null")
    assert log.activity_codes.tolist() == [0, 1, 2]
    assert log.resources == ("r1", "r2")
    assert log.resource_codes is not None
    assert log.resource_codes.tolist() == [-1, 1, 0]
    assert log.times is not None
    assert log.times.dtype == np.int64
    assert str(log.frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert str(log.frame["amount"].dtype) == "float64"
    assert log.frame["case_id"].dtype == pd.StringDtype(storage="python", na_value=np.nan)
    assert log.ledger.rows_read == log.ledger.events_used == 3
    assert ("events moved by their time", 2) in log.ledger.notes
    assert (log.source.name, log.source.format, log.source.size_bytes) == (
        "log.csv",
        "csv",
        csv_file.stat().st_size,
    )


def test_row_order_is_kept_when_asked(csv_file: Path) -> None:
    assert read_log(csv_file, order="row").frame["activity"].tolist() == ["null", "b", "a"]
    without = read_log(csv_file, columns={"timestamp": "none"})
    assert without.times is None
    assert without.schema.order == "row"
    assert without.frame["activity"].tolist() == ["null", "b", "a"]
    assert "timestamp" not in without.frame.columns
    assert "source.timestamp" in without.frame.columns


def test_a_column_can_give_the_order(tmp_path: Path) -> None:
    text = "case_id,activity,timestamp,event_index\n1,b,2024-01-01,10\n1,a,2024-01-02,9\n1,c,2024-01-01,10\n"
    path = write(tmp_path / "x.csv", text)
    log = read_log(path, order="event_index")
    assert log.frame["activity"].tolist() == ["a", "b", "c"]
    assert log.frame["event_index"].tolist() == [9, 10, 10]
    assert log.schema.order == "event_index"
    assert ("events at the 'event_index' of the one before, in source order", 1) in log.ledger.notes
    with pytest.raises(LogError, match="cannot order by 'event_idx'") as caught:
        read_log(path, order="event_idx")
    assert caught.value.hint == "did you mean --order event_index?"
    with pytest.raises(LogError, match=r"no number in 'activity'.*3; first: line 2, 'b'"):
        read_log(path, order="activity")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, newline: str) -> None:
    text = (CSV + ROWS).replace(",", delimiter).replace("\n", newline)
    assert read_log(write(tmp_path / "x.csv", text)).n_events == 3


LINES = st.lists(
    st.sampled_from(
        [
            *("1,a,2024-01-01,x,1\n", "2,b é,2024-01-02,,2\n", '3,"c, d",2024-01-01,"",3\n', "4,e\n", "\n"),
            *(
                '5,"f\ng",2024-01-01,x,\n',
                "6, h ,2024-01-01,x,1,2\n",
                "7,i,2024-01-01,x,1\r\n",
                "8,NA,2024,x,\r",
            ),
            *(
                '9,"j\n\n""k",2024-01-01,x,1\n',
                "10,l\u2028m,2024-01-01,x\x0cy,1\n",
                '11,5" pipe,2024-01-01,x,1\n',
                "\ufeff18,w,2024-01-01,x,1\n",
            ),
            *(
                '"12","n",2024-01-02T03:04:05Z,"x",1\n',
                "13,o,2024-01-02T03:04:06Z,2024-01-02 03:04,1\n",
                "14,p,2024-13-02T03:04:06Z,2024-01-02 03:05,1\n",
                "15,q,2024-01-02T03:04:06+01:00,2024-01-02,1\n",
                "19,x,2024-01-02T03:04:07+09:30,,1\n",
                "20,y,1899-12-31T03:04:06Z,,1\n",
                "21,z,2185-01-02T03:04:06Z,,1\n",
                '16,"r""s",2024-01-02T03:04:06Z,"t" ,1\n',
                '17,"u\r",2024-01-02T03:04:06Z,"v,w",1\n',
            ),
        ]
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=LINES,
    block=st.sampled_from([1, 30, 100, 1 << 20]),
    waiting=st.sampled_from([0, 100, 1 << 30]),
    last=st.booleans(),
)
def test_the_quick_way_reads_what_the_csv_module_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], block: int, waiting: int, last: bool
) -> None:
    text = CSV + "".join(lines)
    path = write(tmp_path / "x.csv", text if last else text.rstrip("\r\n"))
    with monkeypatch.context() as patch:
        patch.setattr("pmlcli.eventlog.csv.blocks.BLOCK", block)
        patch.setattr("pmlcli.eventlog.csv.reader.CELLS_TOGETHER", 0)
        patch.setattr("pmlcli.eventlog.csv.columns.MOST_WAITING", waiting)
        quick = csv_outcome(path)
        patch.setattr("pmlcli.eventlog.csv.scan.arrow", None)
        assert csv_outcome(path) == quick
        patch.setattr("pmlcli.eventlog.csv.reader.regular_cells", lambda *_: None)
        assert csv_outcome(path) == quick


@pytest.mark.parametrize("fitting", [3, 30])
def test_rows_of_another_width_are_counted_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitting: int
) -> None:
    monkeypatch.setattr("pmlcli.eventlog.csv.reader.MAX_UNFIT", 20)
    path = write(tmp_path / "x.csv", CSV + "1,a,2024-01-01,,1\n" * fitting + "x\n" * 20 + "1,a,x,,,\n" * 5)
    if fitting < 25:
        with pytest.raises(LogError, match="x.csv: more than 20 rows have not 5 cells") as caught:
            read_log(path, on_bad_row="drop")
        assert "--delimiter" in str(caught.value.hint)
        return
    refused = {refusal.reason: refusal for refusal in read_log(path, on_bad_row="drop").ledger.refused}
    assert [refusal.count for refusal in refused.values()] == [20, 5]
    assert refused["too few cells, expected 5"].lines == (32, 33, 34, 35, 36)
    assert refused["too many cells, expected 5"].lines == (52, 53, 54, 55, 56)


@pytest.mark.parametrize("encoding", ["utf-7", "raw_unicode_escape"])
def test_half_a_character_is_text_where_the_encoding_lets_it_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    text = "1,x\ud800y,2024-01-01,\ud55c,1\n"
    path = write(tmp_path / "x.csv", (CSV + text).encode(encoding))
    quick = csv_outcome(path, encoding=encoding)
    assert isinstance(quick, tuple)
    assert quick[0]["activity"] == ["x\ud800y"]
    assert quick[0]["resource"] == ["\ud55c"]
    monkeypatch.setattr("pmlcli.eventlog.csv.reader.regular_cells", lambda *_: None)
    assert csv_outcome(path, encoding=encoding) == quick


def csv_outcome(path: Path, **options: Any) -> object:
    try:
        log = read_log(path, on_bad_row="drop", **options)
    except LogError as error:
        # Of two example rows the second is among those that the quick way could read, and may have set aside.
        return error.message.partition(") and '")[0].rstrip(")")
    assert log.lines is not None
    return log.frame.astype(object).fillna("-").to_dict("list"), log.ledger, log.lines.tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_found(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "x.csv", (CSV + "1,Prüfung,2024-01-01,,\n").encode(encoding))
    assert read_log(path).activities == ("Prüfung",)


def test_other_encodings_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv", (CSV + "1,a,2024-01-01,,\n1,Prüfung,2024-01-01,,\n").encode("windows-1252")
    )
    with pytest.raises(LogError, match="x.csv: line 3, byte 5: not UTF-8") as caught:
        read_log(path)
    assert "--encoding windows-1252 reads 'Prüfung'" in str(caught.value.hint)
    assert read_log(path, encoding="windows-1252").activities == ("Prüfung", "a")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1250", "Platba objednávky žluťoučký"),
        ("windows-1250", "Płatność"),
        ("windows-1251", "Проверка заказа"),
        ("windows-1252", "Größe geprüft"),
        ("windows-1253", "Έλεγχος παραγγελίας"),
        ("windows-1254", "Sipariş kontrolü"),
        ("windows-1255", "בדיקת הזמנה"),
        ("windows-1256", "فحص الطلب"),
        ("windows-1257", "Pasūtījuma pārbaude"),
        ("cp850", "Größe geprüft"),
    ],
)
def test_the_likeliest_encodings_are_named(tmp_path: Path, encoding: str, text: str) -> None:
    path = write(tmp_path / "x.csv", (CSV + f"1,a,2024-01-01,,\n1,{text},2024-01-01,,\n").encode(encoding))
    with pytest.raises(LogError, match="x.csv: line 3, byte ") as caught:
        read_log(path)
    first = next(word for word in text.split() if not word.isascii())
    options = str(caught.value.hint).partition(": ")[2].split(", ")
    assert len(options) <= 3
    assert any(encoding in option and f"reads '{first}'" in option for option in options)
    if encoding not in ("windows-1254", "windows-1257"):  # whose letters are Romanian or Hungarian as well
        assert f"--encoding {encoding}" in options[0]
    assert read_log(path, encoding=encoding).activities == (*sorted([text, "a"]),)


def test_other_encodings_are_sought_near_the_wrong_byte_alone(tmp_path: Path) -> None:
    wrong = "é".encode("windows-1252")
    path = write(tmp_path / "x.csv", CSV.encode() + b"1," + wrong * 900_000 + b",2024-01-01,,\n")
    with pytest.raises(LogError, match="x.csv: line 2, byte 3: not UTF-8") as caught:
        read_log(path)
    assert len(str(caught.value.hint)) < 500


XES_TEXT = (
    '<?xml version="1.0" encoding="{}"?>\n<log><trace><string key="concept:name" value="1"/>'
    '<event><string key="concept:name" value="Prüfung"/></event></trace></log>'
)


@pytest.mark.parametrize(
    ("declared", "written", "message", "option"),
    [
        ("UTF-8", "windows-1252", "line 2, column 94: not UTF-8, which the file declares", "windows-1252"),
        ("us-ascii", "utf-8", "not US-ASCII, which the file declares", "utf-8"),
        ("utf-16", "utf-8", "declares utf-16, but its text is not in it", "utf-8"),
        ("utf-8", "utf-16", "declares utf-8, but its text is not in it", "utf-16"),
        ("cp950", "cp950", "unknown encoding", "cp950"),
    ],
)
def test_xes_in_another_encoding_than_it_declares(
    tmp_path: Path, declared: str, written: str, message: str, option: str
) -> None:
    text = XES_TEXT.format(declared).replace("ü", "中" if written == "cp950" else "ü")
    path = write(tmp_path / "x.xes", text.encode(written))
    with pytest.raises(LogError, match=message) as caught:
        read_log(path)
    assert f"--encoding {option}" in str(caught.value.hint)
    assert read_log(path, encoding=option).activities[0].startswith("Pr")
    with pytest.raises(LogError, match="x.xes: line 2: not "):
        read_log(write(tmp_path / "x.xes", XES_TEXT.format("x").encode()), encoding="ascii")


@pytest.mark.parametrize(
    "encoding", ["x\0", "undefined", "base64", "nonsense", "idna", "rot13", "hex", "bz2"]
)
def test_no_encoding(encoding: str) -> None:
    with pytest.raises(ValidationError, match="unknown encoding"):
        ReadOptions(encoding=encoding)


@pytest.mark.parametrize("kind", ["csv", "xes", "parquet", "frame", "events"])
def test_a_log_with_cases_has_no_type_of_objects(tmp_path: Path, kind: str) -> None:
    events = [{"case_id": "1", "activity": "a", "timestamp": "2024-01-01T00:00:00Z"}]
    source: Any = {"frame": pd.DataFrame(events), "events": events}.get(kind, tmp_path / f"x.{kind}")
    if isinstance(source, Path):
        write_log(read_log(events), source)
    assert read_log(source, preferred_object_type="order").n_events == 1
    with pytest.raises(LogError, match="has cases, not objects of type 'order'") as caught:
        read_log(source, object_type="order")
    assert (caught.value.code, caught.value.exit_code) == ("log.object-type", 3)
    assert "--object-type" in str(caught.value.hint)


def test_a_mark_does_not_get_into_the_first_name(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", (CSV + ROWS).encode("utf-8-sig"))
    assert read_log(path, encoding="utf8").n_events == 3


@pytest.mark.parametrize(
    ("cells", "decimal", "expected", "remark"),
    [
        (("1,5", "2"), None, [1.5, 2.0], "numbers with a decimal comma"),
        (("1.234,25", "0,125"), None, [1234.25, 0.125], "numbers with a decimal comma"),
        (("1,500", "2"), None, ["1,500", "2"], "kept as text: 1,500 can be read in two ways"),
        (("1,500", "2"), ",", [1.5, 2.0], "numbers with a decimal comma"),
        (("1,500", "2.5"), ".", [1500.0, 2.5], "numbers with commas for thousands"),
        (("1.500", "2"), ",", [1500, 2], None),
        (("1,5", "007,5"), None, ["1,5", "007,5"], None),
        (("a, b", "1,5"), None, ["a, b", "1,5"], None),
    ],
)
def test_decimal_commas(
    tmp_path: Path, cells: tuple[str, str], decimal: str | None, expected: list[object], remark: str | None
) -> None:
    rows = "".join(f"1;a;{cell}\n" for cell in cells)
    log = read_log(write(tmp_path / "x.csv", "case_id;activity;n\n" + rows), decimal=decimal)
    assert log.frame["n"].tolist() == expected
    remarks = [kind.partition(": ")[2] for kind, _ in log.ledger.notes if kind.startswith("column 'n'")]
    assert [text.partition(" (")[0] for text in remarks] == ([remark] if remark else [])


def test_thousands_of_columns(tmp_path: Path) -> None:
    names = ["case_id", "activity", *(f"c{i}" for i in range(4_998))]
    row = ",".join(["1", "a", *("7" for _ in range(4_998))])
    log = read_log(write(tmp_path / "x.csv", ",".join(names) + "\n" + f"{row}\n" * 3))
    assert log.frame.shape == (3, 5_000)
    assert log.frame["c4997"].tolist() == [7, 7, 7]


def test_a_zip_archive_of_one_log(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/log.csv", CSV + ROWS)
        archive.writestr("__MACOSX/folder/._log.csv", "x")
    log = read_log(path)
    assert log.n_events == 3
    assert log.source.size_bytes == path.stat().st_size
    assert log.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip"])
def test_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str) -> None:
    data = (CSV + ROWS).encode()
    if packing == "gzip":
        data = gzip.compress(data)
    if packing == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("log.csv", data)
        data = buffer.getvalue()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    log = read_log("-")
    assert log.n_events == 3
    assert (log.source.name, log.source.format) == ("stdin", "csv")
    assert log.source.sha256 == hashlib.sha256(data).hexdigest()


def test_stdin_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(LogError, match="stdin: the file is empty"):
        read_log("-")


def test_quoted_cells_and_line_numbers(tmp_path: Path) -> None:
    text = CSV + '1,"a, ""b""\nc",2024-01-01,,\n\n1,x,never,,\n'
    with pytest.raises(LogError, match=r"first: line 5, 'never'"):
        read_log(write(tmp_path / "x.csv", text))
    log = read_log(tmp_path / "x.csv", on_bad_row="drop")
    assert log.activities == ('a, "b"\nc',)
    assert ("blank lines passed over", 1) in log.ledger.notes


def test_gzip_is_known_by_content(tmp_path: Path) -> None:
    members = gzip.compress(CSV.encode()) + gzip.compress(ROWS.encode())
    assert read_log(write(tmp_path / "x.csv", members)).n_events == 3
    assert read_log(write(tmp_path / "y.csv.gz", CSV + ROWS)).n_events == 3


def test_frames_dicts_and_logs(csv_file: Path) -> None:
    frame = pd.DataFrame(
        {
            "case:concept:name": [1, 1, 2],
            "concept:name": ["a", None, "b"],
            "n": [1, 2, 3],
            "time:timestamp": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"], utc=True),
        }
    )
    with pytest.raises(LogError, match="no activity .*row 2"):
        read_log(frame)
    before = frame.copy(deep=True)
    log = read_log(frame, on_bad_row="drop")
    pd.testing.assert_frame_equal(frame, before)
    assert log.case_ids.tolist() == ["1", "2"]
    events = [
        {"case_id": "x", "activity": "a", "timestamp": "2024-01-01T00:00:00Z", "amount": 3},
        {"case_id": "x", "activity": "b", "timestamp": "2024-01-02T00:00:00Z", "urgent": True},
    ]
    log = read_log(events)
    assert log.frame["amount"].tolist()[0] == 3
    assert str(log.frame["amount"].dtype) == "Int64"
    assert str(log.frame["urgent"].dtype) == "boolean"
    assert read_log(log) is log


def test_dicts_with_datetimes() -> None:
    from datetime import datetime

    events = [{"case_id": "x", "activity": "a", "timestamp": datetime(2024, 1, 1, 12)}]
    assert str(read_log(events, timezone="Europe/Rome").frame["timestamp"][0]) == "2024-01-01 11:00:00+00:00"


@pytest.mark.parametrize(
    "names",
    [
        "case:concept:name,concept:name,time:timestamp",
        "_CASE_KEY,ACTIVITY_EN,EVENTTIME",
        "Case ID,Activity,Complete Timestamp",
        "case_id,activity,end_time",
        "CaseID,ActivityID,CompleteTimestamp",
        "Case ID,Activity,Start Timestamp",
        "CASE_concept_name,activity_id,timestamp",
    ],
)
def test_columns_are_found_by_the_names_that_tools_write(tmp_path: Path, names: str) -> None:
    log = read_log(write(tmp_path / "x.csv", f"{names}\n1,a,2024-01-01\n"))
    assert list(log.schema.columns.values()) == names.split(",")
    assert log.times is not None


def test_one_column_in_two_roles(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "case_id,activity,time\n1,a,2024-01-01\n2,b,2024-01-02\n")
    both = {"activity": "activity", "resource": "activity"}
    log = read_log(path, columns=both)
    assert log.frame["resource"].tolist() == log.frame["activity"].tolist() == ["a", "b"]
    twice = read_log(path, columns={"timestamp": "time", "start_timestamp": "time", "resource": "time"})
    assert twice.frame["start_timestamp"].equals(twice.frame["timestamp"])
    assert twice.frame["resource"].tolist() == ["2024-01-01", "2024-01-02"]


def test_two_candidates(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "case,trace_id,activity\n1,2,a\n")
    with pytest.raises(LogError, match="several columns could be 'case_id'") as caught:
        read_log(path)
    assert "--columns case_id=case or --columns case_id=trace_id" in str(caught.value.hint)
    assert read_log(path, columns={"case_id": "trace_id"}).case_ids.tolist() == ["2"]
    equal = write(tmp_path / "y.csv", "case,trace_id,activity\n2,2,a\n")
    assert read_log(equal).schema.columns["case_id"] == "case"


def test_the_name_of_xes_wins_and_says_so(tmp_path: Path) -> None:
    log = read_log(write(tmp_path / "x.csv", "case:concept:name,concept:name,Activity\n1,a,b\n"))
    assert log.activities == ("a",)
    assert any("not 'Activity'" in kind for kind, _ in log.ledger.notes)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "xls"},
        {"timezone": "Mars"},
        {"on_bad_row": "skip"},
        {"encoding": "x-foo"},
        {"columns": {"activty": "a"}},
        {"columns": {"case_id": "none"}},
        {"delimiter": "::"},
    ],
)
def test_options_are_checked(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReadOptions(**changes)


def test_what_is_no_log() -> None:
    with pytest.raises(ValidationError):
        read_log(3)  # type: ignore[arg-type]


def test_classifier(tmp_path: Path) -> None:
    text = (
        '<log><classifier name="Both" keys="concept:name lifecycle:transition"/><trace>'
        '<string key="concept:name" value="1"/><event><string key="concept:name" value="a"/>'
        '<string key="lifecycle:transition" value="start"/></event></trace></log>'
    )
    path = write(tmp_path / "x.xes", text)
    assert read_log(path, classifier="Both").activities == ("a+start",)
    assert read_log(path, classifier="lifecycle:transition+concept:name").activities == ("start+a",)
    with pytest.raises(LogError, match="no classifier") as caught:
        read_log(path, classifier="Bth")
    assert caught.value.hint == "did you mean 'Both'?"


def test_event_attributes_that_repeat_their_case(tmp_path: Path) -> None:
    def log(value: str) -> str:
        return (
            '<log><trace><string key="concept:name" value="1"/><int key="X" value="5"/><event>'
            '<string key="concept:name" value="a"/><string key="case:concept:name" value="1"/>'
            f'<int key="case:X" value="{value}"/></event></trace></log>'
        )

    same = read_log(write(tmp_path / "x.xes", log("5"))).frame
    assert list(same.columns) == ["case_id", "activity", "case:X"]
    differs = read_log(write(tmp_path / "y.xes", log("6"))).frame
    assert differs[["case:X", "case:X.event"]].to_numpy().tolist() == [[5, 6]]


def test_importing_the_package_costs_no_pandas() -> None:
    code = "import sys, pmlcli.eventlog; sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
def test_excels_line_that_names_the_delimiter(tmp_path: Path, first: str) -> None:
    text = f"{first}case_id;activity;timestamp\n1;a,b;2024-01-01\n1;c;\n"
    log = read_log(write(tmp_path / "x.csv", text), on_bad_row="drop")
    assert log.activities == ("a,b",)
    assert log.lines is not None
    assert (log.lines.tolist(), log.ledger.refused[0].lines) == ([3], (4,))


def test_a_title_above_the_header_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "Report: orders\nby ann\n\nCase ID;Activity;Timestamp\n1;a;2024-01-01\n")
    with pytest.raises(LogError, match="no column for 'case_id'") as caught:
        read_log(path)
    assert caught.value.hint == "line 4 looks like the header: take away the lines above it"


def test_all_columns_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "Auftrag;Vorgang;Zeit\n1;a;2024-01-01\n")
    with pytest.raises(LogError, match="no column for 'case_id' and 'activity' found") as caught:
        read_log(path)
    assert "name them: --columns case_id=NAME --columns activity=NAME (there are: A" in str(caught.value.hint)
