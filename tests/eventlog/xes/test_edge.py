"""Each file of xes_edge/ is named for its trap; here stands the right answer to each."""

import functools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.xes.attributes import Vocabularies
from pmlcli.eventlog.xes.feed import Feeder
from pmlcli.eventlog.xes.scan import Scanner

EDGE = Path(__file__).parents[1] / "xes_edge"


def edge(stem: str, **changes: object) -> EventLog:
    (path,) = EDGE.glob(f"{stem}_*")
    return read_log(path, **changes)


def rows(log: EventLog) -> list[tuple[str, str]]:
    return list(zip(log.frame["case_id"], log.frame["activity"], strict=True))


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("01", [("1", "A"), ("1", "B")]),
        ("04", [("1", "A"), ("1", "B")]),
        ("05", [("1", "A")]),
        ("06", [("1", 'R&D <x> "q" é\nn')]),
        ("07", [("1", "A"), ("1", "B")]),
        ("08", [("1", "A")]),
        ("09", [("1", "A")]),
        ("10", [("1", "A")]),
        ("13", [("trace-1", "A"), ("trace-2", "B")]),
        ("14", [("1", "A"), ("1#2", "B")]),
        ("15", [("2", "B")]),
        ("18", [("1", "A")]),
        ("19", [("1", "A")]),
        ("22", [("2", "null"), ("NA", "A")]),
    ],
)
def test_events(stem: str, expected: list[tuple[str, str]]) -> None:
    assert rows(edge(stem)) == expected


def test_zones_are_read_as_written_and_naive_times_counted() -> None:
    mixed = edge("02")
    assert mixed.times is not None
    assert [str(t) for t in mixed.frame["timestamp"]][0] == "2023-01-01 05:00:00+00:00"
    naive = edge("03", timezone="Asia/Tokyo")
    assert str(naive.frame["timestamp"][0]) == "2023-01-01 01:00:00+00:00"
    assert ("times without a zone, read as Asia/Tokyo", 2) in naive.ledger.notes


def test_years_beyond_what_nanoseconds_hold_are_read_as_written() -> None:
    far = edge("23")
    assert str(far.frame["timestamp"][0]) == "2385-05-04 16:13:00+00:00"  # the file's name says 2185
    assert ("times in the future", 1) in far.ledger.notes


def test_nested_and_list_attributes_are_dotted_columns() -> None:
    nested = edge("08").frame
    assert nested["x"].tolist() == ["1"]
    assert nested["x.concept:name"].str.startswith("NEST").all()
    listed = edge("10").frame
    assert listed["items.i"].tolist() == ["1"]
    assert [c for c in listed.columns if str(c).startswith("items.")] == ["items.i", "items.i.2"]


@pytest.mark.parametrize(
    ("stem", "reason"), [("11", "no timestamp"), ("12", "no activity"), ("21", "timestamp is not a time")]
)
def test_a_bad_event_is_named_or_dropped_and_counted(stem: str, reason: str) -> None:
    with pytest.raises(LogError, match=rf"1 of 2 rows cannot be used: {reason}.*line 3"):
        edge(stem)
    log = edge(stem, on_bad_row="drop")
    assert rows(log) == [("1", "B")]
    assert [(r.reason, r.count, r.lines) for r in log.ledger.refused] == [(reason, 1, (3,))]
    assert log.ledger.rows_read == 2


def test_the_trap_of_each_special_trace_is_said() -> None:
    assert ("traces without a name, named by their place", 2) in edge("13").ledger.notes
    assert edge("14").ledger.notes[0][1] == 1
    assert ("traces without events", 1) in edge("15").ledger.notes


@pytest.mark.parametrize(("stem", "activity"), [("16", "Prüfung"), ("17", "Prüfung")])
def test_declared_encodings(stem: str, activity: str) -> None:
    assert edge(stem).frame["activity"].tolist() == [activity]


GLOBALS = """<log>
<global scope="trace"><string key="concept:name" value="?"/><int key="size" value="3"/></global>
<global scope="event"><string key="org:resource" value="UNKNOWN"/><string key="note" value="d"/></global>
<global scope="log"><string key="other" value="x"/></global>
<trace><string key="concept:name" value="1"/>
<event><string key="concept:name" value="a"/><string key="org:resource" value="ann"/></event>
<event><string key="concept:name" value="b"/></event></trace></log>"""


def test_defaults_of_globals_are_filled_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "x.xes"
    path.write_text(GLOBALS)
    log = read_log(path)
    assert list(log.frame.columns) == ["case_id", "activity", "resource"]
    assert dict(log.ledger.notes) == {
        "traces that lack 'size', which the log declares global, left without": 1,
        "events that lack 'org:resource', which the log declares global, left without": 1,
        "events that lack 'note', which the log declares global, left without": 2,
    }
    filled = read_log(path, fill_globals=True).frame
    assert filled["resource"].tolist() == ["ann", "UNKNOWN"]
    assert filled["case:size"].tolist() == [3, 3]
    assert str(filled["case:size"].dtype) == "Int64"
    assert filled["note"].tolist() == ["d", "d"]


def test_types() -> None:
    frame = edge("24").frame
    assert frame["i"].tolist() == [7]
    assert frame["f"].tolist() == [1000.0]
    assert frame["b"].tolist() == [False]
    assert (str(frame["i"].dtype), str(frame["f"].dtype), str(frame["b"].dtype)) == (
        "Int64",
        "float64",
        "boolean",
    )


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("20", "line 3: the file ends inside <trace>: it is incomplete"),
        ("25", "a DTD is not allowed"),
        ("26", "an HTML page, not a log"),
        ("27", "the file is empty"),
    ],
)
def test_refused(stem: str, message: str) -> None:
    with pytest.raises(LogError, match=message):
        edge(stem)


TRACES = st.lists(
    st.lists(
        st.sampled_from(
            [
                '<event><string key="concept:name" value="a"/></event>',
                '<event>\n\t<string key="concept:name" value="b &amp; &#252;"/>\n\t<int key="n" value="3"/>\n'
                "</event>\r\n",
                '<event><string key="concept:name" value="c"><int key="in" value="1"/></string></event>',
                "<event><string key='concept:name' value='d'/></event>",
                '<event><date key="time:timestamp" value="2024-01-02T03:04:05.000+01:00"/></event>\n',
                '<event><string key="concept:name" value="t"/><date key="time:timestamp" value="2024-01-02"/>'
                '<date key="time:timestamp" value="2024-01-02"/></event>',
                '<event><date key="time:timestamp" value="then &lt;"/><date key="due" value=""/></event>',
                '<event><date key="time:timestamp" value=""><int key="in" value="1"/></date></event>',
                '<event><string key="concept:name" value="a\u00a0"/>\u00a0</event>',
                '<event><string key="concept:name" value="&#xD800;"/></event>',
                '<event><string key="concept:name" value="&#1;"/></event>',
                '<event><string key="concept:name" value="\x01"/></event>',
                '<event><string key="concept:name" value="\uffff"/></event>',
                '<event><string key="concept:name" value="a/></event>',
                '<event><string value="e" key="concept:name"/><list key="l"><values/></list></event>',
                '<event><string key="concept:name" value="f\tg"/></event>',
                '<!-- <event></trace><trace> " --><event><string key="concept:name" value=">"/></event>',
                '<event/><event></event><string key="late" value="x"/>',
                '<string key="early" value="y"><int key="in" value="1"/></string>',
            ]
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    traces=TRACES,
    stretch=st.sampled_from([1, 300, 1 << 20]),
    most=st.sampled_from([1, 4, 1 << 15]),
    encoding=st.sampled_from(["utf-8", "us-ascii"]),
)
def test_the_quick_way_reads_what_the_parser_reads(
    traces: list[list[str]],
    stretch: int,
    most: int,
    encoding: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = [
        f'<trace>\n<string key="concept:name" value="{n}"/>{"".join(dict.fromkeys(events))}</trace>'
        for n, events in enumerate(traces)
    ]
    path = tmp_path / "x.xes"
    head = f"<?xml version='1.0' encoding='{encoding}'?>\n<log>\n"
    path.write_text(f"{head}{''.join(named)}</log>", encoding="utf-8", newline="")
    monkeypatch.setattr("pmlcli.eventlog.xes.scan.MOST_PIECES", most)
    monkeypatch.setattr("pmlcli.eventlog.xes.feed.STRETCH", stretch)
    monkeypatch.setattr("pmlcli.eventlog.source.CHUNK", 200)
    quick = outcome(path)
    with monkeypatch.context() as patch:
        patch.setattr("pmlcli.eventlog.xes.reader.Feeder", functools.partial(Feeder, quick=False))
        assert outcome(path) == quick


def outcome(path: Path) -> object:
    try:
        log = read_log(path, on_bad_row="drop")
    except LogError as error:
        return error.message
    assert log.lines is not None
    frame = log.frame.astype(object).fillna("-").to_dict("list")
    return frame, log.ledger, log.offsets.tolist(), log.lines.tolist()


def test_the_quick_way_is_taken() -> None:
    vocabularies = Vocabularies()
    stretch = Scanner(vocabularies).scan(
        b'<trace>\n<string key="concept:name" value="1"/>\n'
        b'<event>\n<int key="n" value="2"/>\n</event>\n</trace>',
        10,
    )
    assert stretch is not None
    assert stretch.events.lines.tolist() == [12]
    assert stretch.traces.lines.tolist() == [10]
    assert (list(vocabularies.keys), list(vocabularies.values)) == (["concept:name", "n"], ["1", "2"])
