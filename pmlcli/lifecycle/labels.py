"""The truth from outside a log: a CSV file of `case_id,label`, read strictly."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from pmlcli.errors import LogError, OutputError, nearest
from pmlcli.eventlog.log import EventLog

MOST_BYTES = 256 << 20
HEADER = ("case_id", "label")
_DELIMITERS = ",;\t"


def labels_of(path: Path | None, log: EventLog) -> dict[str, str] | None:
    """The label of each case of the log that has one in the file; None where no file is given."""
    return None if path is None else read_labels(path, log.case_ids.tolist())


def read_labels(path: Path, cases: Collection[str]) -> dict[str, str]:
    """The label of each case that has one.

    LogError, with the line, for a file of another form, a case that the log does not have, and one that is
    named twice; OutputError for a file that cannot be read.
    """
    lines, known = _lines(path), frozenset(cases)
    found: dict[str, tuple[str, int]] = {}
    for line, (case, label) in lines:
        if case not in known:
            near = nearest(case, known) if len(known) <= 10_000 else None
            raise _wrong(
                path,
                line,
                f"the log has no case '{case}'",
                f"did you mean '{near}'?" if near else "leave it out, or give the log that has it",
            )
        if case in found:
            raise _wrong(path, line, f"case '{case}' stands in line {found[case][1]} too", "leave one out")
        if label:
            found[case] = label, line
    if not found:
        raise LogError(f"{path}: no case has a label", code="log.label", hint="give a line for each case")
    return {case: label for case, (label, _line) in found.items()}


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}", hint="give another file") from error
    if len(data) > MOST_BYTES:
        raise LogError(f"{path}: labels of more than {MOST_BYTES >> 20} MB", hint="give a line for each case")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LogError(
            f"{path}: labels are not UTF-8 (byte {error.start})", hint="save it as UTF-8"
        ) from error
    return _rows(path, text)


def _rows(path: Path, text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(cell.strip().lower() for cell in next(reader, []))
        if sorted(header) != sorted(HEADER):
            raise _wrong(path, 1, "the first line is not 'case_id,label'", "name the two columns so")
        places = header.index("case_id"), header.index("label")
        for row in reader:
            if len(row) == len(HEADER):
                yield reader.line_num, (row[places[0]], row[places[1]].strip())
            elif row:
                raise _wrong(
                    path, reader.line_num, f"{len(row)} cells, expected 2", "quote cells with commas"
                )
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error), "write it as CSV") from error


def _wrong(path: Path, line: int, what: str, hint: str) -> LogError:
    return LogError(f"{path}, line {line}: {what}", code="log.label", hint=hint, context={"line": line})
