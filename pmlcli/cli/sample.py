"""`pmlcli sample`: a log to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import pmlcli
from pmlcli.cli._group import PLACE
from pmlcli.cli._options import CommonOptions, ForceOption
from pmlcli.cli._target import require_file_place
from pmlcli.errors import OutputError, ValidationError, unknown_name
from pmlcli.render.block import Line

SAMPLES = ("purchase-to-pay", "purchase-to-pay-new")

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="purchase-to-pay, or purchase-to-pay-new: later cases of the same process.  [default: both]",
        show_default=False,
        autocompletion=lambda: list(SAMPLES),
    ),
]
OutputOption = Annotated[
    Path | None,
    PLACE,
    typer.Option("--output", "-o", metavar="FILE.csv", help="The file to write.  [default: NAME.csv]"),
]


def sample(
    common: CommonOptions, name: NameArgument = None, output: OutputOption = None, force: ForceOption = False
) -> None:
    """Write a sample log, to try things on.

    A simulated purchase-to-pay process: 1,200 cases of fourteen months, and 60 later cases. Every person,
    vendor and amount is invented. Prints the paths of the files on stdout.
    """
    with common.session() as session:
        if name is not None and name not in SAMPLES:
            raise unknown_name("sample log", name, SAMPLES)
        if name is None and output is not None:
            raise ValidationError(
                "-o is for one log", hint=f"name it: pmlcli sample {SAMPLES[0]} -o {output}"
            )
        # The store takes time to import.
        from pmlcli.store.publish import write_file

        wanted = SAMPLES if name is None else (name,)
        found = {one: packaged(one).read_bytes() for one in wanted}
        paths = [output or Path(f"{one}.csv") for one in wanted]
        for path in paths:
            require_file_place(path, force=force)
        for path, content in zip(paths, found.values(), strict=True):
            write_file(path, content, force=force)
        session.note(f"try: pmlcli train {paths[0]} -t anomaly -o models/odd")
        session.outcome("sample", {"paths": list(map(str, paths))}, lambda: [Line(str(p)) for p in paths])


def packaged(name: str) -> Path:
    """Where this installation keeps a sample log: in the package, or beside it in a source checkout."""
    package = Path(pmlcli.__file__).parent
    places = [package / "samples" / f"{name}.csv", package.parent / "sample_logs" / f"{name}.csv"]
    for place in places:
        if place.is_file():
            return place
    raise OutputError(f"this installation lacks the sample log {name}.csv", hint="install pmlcli again")
