"""Reads every file below a directory and prints what became of each: a table to check by hand.

    python benchmarks/odd_files.py DIRECTORY [-o benchmarks/results/odd_files.txt]

Each file is read as `pmlcli` reads it when nothing is said; where only an option helps, it is given in
`OPTIONS` below and stands in the table. `used` and `refused` are of `--on-bad-row drop`, which the first
reading may not need: a file that has refused rows is an error without that option. Lines of an earlier
result that begin with `#`, which say how it was checked, stay at its top.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pmlcli.errors import PmlError
from pmlcli.eventlog import EventLog, read_log

OPTIONS: dict[str, dict[str, Any]] = {
    "ocel/example_log.csv": {"object_type": "order"},
    "ocel/example_log.jsonocel": {"object_type": "order"},
    "ocel/ocel20_example.jsonocel": {"object_type": "Purchase Order"},
    "ocel/ocel20_example.sqlite": {"object_type": "Purchase Order"},
    "ocel/ocel20_example.xmlocel": {"object_type": "Purchase Order"},
    "ocel/recruiting-red.jsonocel": {"object_type": "applications"},
    "odd/apromore_csv_importer/test11-encoding.csv": {
        "encoding": "windows-1255",
        "columns": {"case_id": "מספר הזמנcase idה", "activity": "סטactivityטוס"},
        "day_first": True,
    },
    "odd/callcenter_CR_only_line_ends.csv": {
        "columns": {"case_id": "Service ID", "activity": "Operation", "timestamp": "End Date"}
    },
    "odd/loan_cb5k_no_timestamps.csv.gz": {"columns": {"case_id": "id", "activity": "activity_name"}},
    "odd/partial_order_example.xes": {"columns": {"timestamp": "none"}},
    "odd/partial_order_example_3.xes": {"columns": {"timestamp": "none"}},
}


def outcome(path: Path, options: dict[str, Any]) -> list[str]:
    """The cells of one file's row: cases, rows read, used, refused, and what is to be said."""
    try:
        log = read_log(path, **options)
    except PmlError as error:
        first = _told(error, path)
        if error.code != "log.bad-rows":
            return ["-", "-", "-", "-", first]
        try:
            return [*_counts(read_log(path, on_bad_row="drop", **options)), first]
        except PmlError as second:
            return ["-", "-", "-", "-", _told(second, path)]
    return [*_counts(log), "; ".join(f"{kind}: {count:,}" for kind, count in log.ledger.notes)]


def _told(error: PmlError, path: Path) -> str:
    return f"{type(error).__name__}: {error.message.removeprefix(f'{path}: ')}"


def _counts(log: EventLog) -> list[str]:
    ledger = log.ledger
    numbers = (log.n_cases, ledger.rows_read, ledger.events_used, ledger.rows_refused + ledger.rows_filtered)
    return [f"{number:,}" for number in numbers]


def _said(options: dict[str, Any]) -> str:
    columns = [f"--columns '{role}={name}'" for role, name in options.get("columns", {}).items()]
    names = {k: f"--{k.replace('_', '-')}" for k in options if k != "columns"}
    rest = [name if options[k] is True else f"{name} '{options[k]}'" for k, name in names.items()]
    return " ".join((*columns, *rest))


def table(directory: Path) -> list[str]:
    """The lines of the table, two for a file that needs options: without and with them."""
    rows = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = path.relative_to(directory).as_posix()
        rows.append([name, *outcome(path, {})])
        if name in OPTIONS:
            rows.append([f"  {_said(OPTIONS[name])}", *outcome(path, OPTIONS[name])])
    head = ["file", "cases", "rows read", "used", "left out", "notes or error"]
    widths = [max(len(row[i]) for row in [head, *rows] if i or not row[0].startswith(" ")) for i in range(5)]
    return [
        "  ".join([*(f"{cell:{widths[i]}}" for i, cell in enumerate(row[:5])), row[5]])
        for row in [head, *rows]
    ]


def main() -> None:
    """Read the directory given and print (or also write) the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = "\n".join(table(options.directory)) + "\n"
    print(text, end="")
    if options.output:
        before = options.output.read_text().splitlines() if options.output.exists() else []
        kept = [f"{line}\n" for line in before if line.startswith("#")]
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("".join(kept) + text)


if __name__ == "__main__":
    main()
