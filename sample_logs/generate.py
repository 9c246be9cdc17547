"""Makes the sample logs of a purchase-to-pay process: python sample_logs/generate.py [--cases N] [--seed S].

README.md in this folder describes the process and the files. Same cases and seed: same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator import SimulatedLog, simulate, writing

DEFAULT_CASES = 1200
DEFAULT_SEED = 0


def write(log: SimulatedLog, folder: Path, name: str, *, has_xes: bool) -> None:
    """The files of one log: NAME.csv, NAME.labels.csv and, if asked for, NAME.xes.gz."""
    writing.write_text(folder / f"{name}.csv", writing.csv_lines(log))
    writing.write_text(folder / f"{name}.labels.csv", writing.label_lines(log))
    if has_xes:
        writing.write_gzip(folder / f"{name}.xes.gz", writing.xes_lines(log))


def generate(
    folder: Path, *, cases: int = DEFAULT_CASES, seed: int = DEFAULT_SEED, has_xes: bool = True
) -> None:
    """Write both sample logs with their labels into `folder`; only the first is written as XES too."""
    folder.mkdir(parents=True, exist_ok=True)
    first, later = simulate(cases, seed)
    write(first, folder, "purchase-to-pay", has_xes=has_xes)
    write(later, folder, "purchase-to-pay-new", has_xes=False)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Simulate a purchase-to-pay process and write its event logs."
    )
    parser.add_argument(
        "--cases", type=int, default=DEFAULT_CASES, help="cases of the first log (default 1200)"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of every draw (default 0)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder (default: this one)")
    parser.add_argument("--csv-only", action="store_true", help="no XES, which is large for many cases")
    options = parser.parse_args(arguments)
    if options.cases < 1 or options.seed < 0:
        parser.error("--cases must be at least 1 and --seed at least 0")
    generate(options.out, cases=options.cases, seed=options.seed, has_xes=not options.csv_only)


if __name__ == "__main__":
    main()
