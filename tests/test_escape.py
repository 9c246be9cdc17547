"""Nothing that stands in a log may steer a terminal or a spreadsheet."""

import csv
import io
import json as stdlib_json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmlcli.escape import shown_line, visible
from pmlcli.eventlog import read_log, write_log
from pmlcli.render import frame, json
from pmlcli.render.block import Heading, Line, Pairs, Table, plain
from pmlcli.render.terminal import coloured
from pmlcli.spreadsheet import formula_safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 中文 🙂", "plain é 中文 🙂"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u200bc\ufeff", "a\\u2066b\\u200bc\\ufeff"),
        ("line\nbreak\ttab\r", "line\\nbreak\\ttab\\r"),
        ("\x00\x7f\ud800", "\\x00\\x7f\\ud800"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


IGNORABLE = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
]
"""Default_Ignorable_Code_Point of Unicode 15, from DerivedCoreProperties.txt."""


def test_what_leaves_no_ink_becomes_visible() -> None:
    assert len(IGNORABLE) == 4174
    for code in IGNORABLE:
        shown = visible(f"a{chr(code)}b")
        assert shown.isascii(), hex(code)
        assert int(shown[3:-1], 16) == code
        document = json.document("x", {"name": chr(code)})
        assert document.isascii(), hex(code)
        assert stdlib_json.loads(document)["name"] == chr(code)


def test_letters_that_leave_ink_stay() -> None:
    text = "ß ﬁ ｶ 각 नमस्ते 한국어 🇩🇪 𝔸 ١٢٣ \u3000\u00a0"
    assert visible(text) == text


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "-", "=5", "\uff1d1+1", "\uff0b1", "\uff20a"]
)
def test_formulas_are_escaped(cell: str) -> None:
    assert formula_safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "-5", "+3.25", "-.5", "1e-5", "-1E+05", "a-b", " =1"])
def test_numbers_and_other_text_stay(cell: str) -> None:
    assert formula_safe(cell) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "\n", "\r"])
@pytest.mark.parametrize("piece", ["=1+1", '"=1+1', '""=1', "\uff1d1", "@a", "-a"])
def test_each_piece_that_a_spreadsheet_may_cut_off_is_escaped(separator: str, piece: str) -> None:
    leading = "'" if separator in "\t\r\n" else ""
    assert formula_safe(f"a{separator}{piece}") == f"a{separator}'{piece}"
    assert formula_safe(f"{separator}{piece}{separator}b") == f"{leading}{separator}'{piece}{separator}b"
    assert formula_safe(f"a{separator}-5") == f"a{separator}-5"


def test_every_writer_of_csv_escapes_every_piece(tmp_path: Path) -> None:
    texts = ["a;=1+1", "\uff1d2", "\n=3", "x|@y", "b;-5", 'c;"=4']
    events = [{"case_id": t, "activity": t, "timestamp": "2024-01-01", "org;=r": t} for t in texts]
    log = read_log(events)
    write_log(log, tmp_path / "log.csv")
    table = pd.DataFrame({"name": pd.Categorical(texts), "a;=b": pd.Series(texts, dtype=object)})
    # A log's names begin with no line feed.
    for text, third in (((tmp_path / "log.csv").read_text(), "'=3"), (frame.csv(table), "'\n'=3")):
        rows = list(csv.reader(io.StringIO(text)))
        cells = [cell for row in rows for cell in row]
        assert cells == [formula_safe(cell.replace("'", "")) for cell in cells]
        assert {"a;'=1+1", "'\uff1d2", third, "x|'@y", "b;-5", "c;'\"=4"} < set(cells)


@given(st.lists(st.text(alphabet="=+-@\t\r0159.eE a'", max_size=6), max_size=8))
def test_the_table_escapes_as_the_cell_does(cells: list[str]) -> None:
    written = frame._escaped(pd.Series(cells, dtype="str"))
    assert list(written) == [formula_safe(cell) for cell in cells]


BLOCKS = [
    Heading("[bold]title[/]"),
    Line("[/foo] \x1b[2J"),
    Pairs([("[link=http://x]a", "\u202eb")]),
    Table(("[red]h", "n"), [("[/foo]", "1"), ("x\x1b]0;t\x07", "22")], frozenset({1})),
]


def test_markup_in_data_is_text_in_colour_too() -> None:
    text = coloured(BLOCKS, 80)
    for kept in ("[bold]title[/]", "[/foo]", "[link=http://x]a", "[red]h", "\\u202eb", "\\x1b]0;t\\x07"):
        assert kept in text
    assert "\x1b]8" not in text


@pytest.mark.parametrize("command", ["::error::x", " \u3000::stop::t", "##[add-path]x", "a ##vso[task.x]y"])
def test_no_text_is_a_runner_s_command(command: str) -> None:
    blocks = [
        Heading(command),
        Line(command),
        Pairs([(command, "x")]),
        Table((command, "n"), [(command, "1")]),
    ]
    for line in [*plain(blocks).splitlines(), *plain(blocks[1:]).splitlines(), shown_line(command)]:
        assert not line.lstrip().startswith("::")
        assert "##" not in line.replace("\\x23#", "")
    document = json.document("x", {"name": command})
    assert "##" not in document
    assert stdlib_json.loads(document)["name"] == command
    table = pd.DataFrame({"case_id": [command, f"a\n{command}"]})
    assert not any(line.lstrip().startswith("::") for line in frame.csv(table).splitlines())


def test_plain_text_has_no_escape_sequence() -> None:
    text = plain(BLOCKS)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.splitlines()[-1].endswith("  22")


VALUES = st.text() | st.floats() | st.integers() | st.none() | st.booleans()


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_documents_are_strict_safe_json(body: dict[str, object]) -> None:
    body.pop("schema", None)
    document = json.document("test", body)
    assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in document)
    read = stdlib_json.loads(document, parse_constant=pytest.fail)
    assert read.pop("schema") == "pmlcli/test/1"
    assert read == {k: None if isinstance(v, float) and v - v != 0 else v for k, v in body.items()}
