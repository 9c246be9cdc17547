"""`pmlcli report`: a log and its models as one page of pictures."""

from __future__ import annotations

import os
import shlex
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmlcli.cli import _target
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, SHOWN, options
from pmlcli.cli._options import CommonOptions, ForceOption, ReadingOptions
from pmlcli.cli._session import Session
from pmlcli.cli._trust import TrustOptions
from pmlcli.errors import ValidationError
from pmlcli.eventlog.times.duration import duration_seconds
from pmlcli.render import number
from pmlcli.render.block import Line
from pmlcli.store import publish

if TYPE_CHECKING:
    from pmlcli.reporting.made import Report
    from pmlcli.reporting.story import ReportOptions

ThingsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[MODEL]... LOG",
        help="Model directories, each of another task, then the event log (- for stdin).",
        show_default=False,
    ),
]
DEFAULT = Path("report.html")


@options
class PageOptions:
    """What the page shows."""

    sections: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--sections",
            metavar="NAME,...",
            help="Only these: in-short, map, variants, over-time, waits, dotted, model, cases, quality, "
            "made.  [default: all]",
            show_default=False,
        ),
    ] = None
    top: Annotated[
        int, LIMIT, typer.Option("--top", min=1, metavar="N", help="How many cases to look at are shown.")
    ] = 20
    paths: Annotated[
        float,
        REQUEST,
        typer.Option(
            "--paths",
            metavar="SHARE",
            help="The map shows the commonest arrows, until they are this share of all hand-overs, and all "
            "that lead to something odd.",
        ),
    ] = 0.8
    title: Annotated[str | None, SHOWN, typer.Option("--title", metavar="TEXT", help="The page's title.")] = (
        None
    )
    anonymise: Annotated[
        bool,
        REQUEST,
        typer.Option(
            "--anonymise",
            help="Name cases and people by numbers, everywhere. Activities and other columns stay.",
        ),
    ] = False
    compare: Annotated[
        str | None,
        PLACE,
        typer.Option("--compare", metavar="LOG", help="Say what differs from this earlier log."),
    ] = None
    sla: Annotated[
        str | None,
        REQUEST,
        typer.Option("--sla", metavar="TIME", help="A case that takes longer is late, such as 30d."),
    ] = None
    due: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--due", metavar="COLUMN", help="A case that ends after the date in this column is late."
        ),
    ] = None

    def chosen(self, command: str) -> ReportOptions:
        """The same as the report takes them; ValidationError for what is none of it."""
        from pmlcli.reporting.story import ReportOptions

        names = (
            None if self.sections is None else tuple(filter(None, self.sections.replace(" ", "").split(",")))
        )
        return ReportOptions(names, self.top, self.paths, self.title, self.anonymise, command)

    def request(self) -> dict[str, object]:
        """What models are asked for."""
        asked: dict[str, object] = {}
        if self.sla is not None:
            asked["sla"] = duration_seconds(self.sla, "time for --sla")
        if self.due is not None:
            asked["due"] = self.due
        return asked


@options
class PlaceOptions:
    """Where the page and its pictures go."""

    output: Annotated[
        Path,
        PLACE,
        typer.Option("--output", "-o", metavar="FILE.html", help="The file to write; - is stdout."),
    ] = DEFAULT
    figures: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--figures",
            metavar="DIR",
            help="Also write each picture into this directory, as SVG and PNG, and the map as DOT.",
        ),
    ] = None
    force: ForceOption = False
    open: Annotated[
        bool, LIMIT, typer.Option("--open", help="Show the page in the browser, if this is a terminal.")
    ] = False

    def check(self) -> None:
        """Raises before any work is done when page or pictures cannot be written as asked."""
        if _target.is_file(self.output):
            if self.output.suffix.lower() not in (".html", ".htm"):
                raise ValidationError(
                    f"{self.output}: a report is HTML",
                    hint="end it in .html",
                    context={"path": str(self.output)},
                )
            _target.require_file_place(self.output, force=self.force)
        if self.figures is not None:
            _target.require_directory_place(self.figures, force=self.force)


def report(
    things: ThingsArgument,
    page: PageOptions,
    place: PlaceOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    common: CommonOptions,
) -> None:
    """Draw a log, and what models say of it, as one HTML page.

    The page needs no network and no script: process map, variants, time, waits, a dotted chart, the models'
    worth, cases to look at, data quality, and how it was made. Without a model it is the log's own report.
    The same log and models give the same bytes.
    """
    with common.session() as session:
        place.check()
        *models, log = things
        _require_models(models, trust)
        made = _made(models, log, page, reading, trust, session)
        _write(made, place, session)


def _require_models(models: list[str], trust: TrustOptions) -> None:
    for one in models:
        if not Path(one).is_dir():
            raise ValidationError(
                f"{one}: is no model directory",
                hint="give the models first and one log last",
                context={"path": one},
            )
    if trust.expect_digest is not None and len(models) != 1:
        raise ValidationError(
            f"--expect-digest is of one model, but there are {len(models)}", hint="leave it out"
        )


def _made(  # noqa: PLR0913 (a command takes its groups of options)
    models: list[str],
    log: str,
    page: PageOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    session: Session,
) -> Report:
    options, asked, how = (
        page.chosen(_command(anonymise=page.anonymise)),
        page.request(),
        reading.to_read_options(),
    )
    # pandas, jinja2 and the models' libraries take time to import; a misspelt option must not wait for them.
    from pmlcli.algorithms._interface.request import PredictRequest
    from pmlcli.eventlog import read_log
    from pmlcli.reporting.report import report as draw

    loaded = [trust.load(Path(one)) for one in models]
    how = loaded[0].read_options(how) if loaded else how
    read = read_log(log, how)
    other = None if page.compare is None else read_log(page.compare, how)
    return draw(read, *loaded, how=options, compare=other, request=PredictRequest(**asked), said=session.note)


UNTOLD = ("--output", "-o", "--figures", "--log-file")
"""Options that change nothing on the page: where it goes."""
HIDDEN = ("--where", "--title")
"""Options whose value may name a case or a person."""
UNTOLD_FLAGS = ("--force", "--open", "--json", "-q", "--quiet", "-v", "--verbose")


def _command(*, anonymise: bool) -> str:
    """The command line as the page tells it: without directories, and without where the page goes."""
    if sys.argv[1:2] != ["report"]:
        return ""
    told, before = ["pmlcli"], ""
    for one in sys.argv[1:]:
        name, equals, value = one.partition("=") if one.startswith("--") else (one, "", "")
        if before in HIDDEN and anonymise:
            told.append(_hidden(before, one))
        elif before not in UNTOLD and name not in (*UNTOLD, *UNTOLD_FLAGS):
            hides = equals and anonymise and name in HIDDEN
            told.append(f"{_short(name)}{equals}{_hidden(name, value) if hides else _short(value)}")
        before = one if before not in (*UNTOLD, *HIDDEN) else ""
    return shlex.join(told)


def _hidden(option: str, value: str) -> str:
    """`column=...` of what chooses by a column, and nothing of a title: both may name a case or a person."""
    column, equals, _ = value.partition("=") if option == "--where" else ("", "", "")
    return f"{column}=..." if equals else "..."


def _short(word: str) -> str:
    """A path without its directories; a word such as Europe/Berlin stays."""
    is_path = "/" in word and (word.startswith("/") or os.path.exists(word))  # noqa: PTH110 (Path.exists raises for a long word)
    return Path(word).name if is_path else word


def _write(made: Report, place: PlaceOptions, session: Session) -> None:
    pictures = {} if place.figures is None else _pictures(made, session)
    document: dict[str, object] = {"title": made.title, "sections": [part.anchor for part in made.parts]}
    if not _target.is_file(place.output):
        typer.echo(made.html.encode("utf-8"), nl=False)
        return
    made.save(place.output, force=place.force)
    for name, data in pictures.items():
        publish.write_file((place.figures or Path()) / name, data, force=True)
    if pictures:
        session.note(f"drew {number.counted(len(pictures), 'file')} in {place.figures}")
    size = place.output.stat().st_size
    document |= {"output": str(place.output), "bytes": size, "figures": sorted(pictures)}
    told = f"wrote {place.output} ({number.size(size)}, {number.counted(len(made.parts), 'section')})"
    session.outcome("report", document, lambda: [Line(told)])
    if place.open and sys.stdout.isatty():
        webbrowser.open(place.output.absolute().as_uri())


def _pictures(made: Report, session: Session) -> dict[str, bytes]:
    from pmlcli.reporting import figures

    with_png = figures.can_draw_png()
    if not with_png:
        session.note("pictures are SVG alone: PNG needs the extra report (pip install 'pmlcli[report]')")
    return figures.files(made, with_png=with_png)
