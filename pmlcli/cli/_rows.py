"""Which rows of a prediction are given, and in which order: what `predict` offers for every day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pmlcli.cli import _target
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, SHOWN, options
from pmlcli.errors import OutputError, ValidationError
from pmlcli.render import number

if TYPE_CHECKING:
    import pandas as pd

    from pmlcli.algorithms._interface.task import Task
    from pmlcli.cli._session import Session
    from pmlcli.lifecycle.last_run import LastRun
    from pmlcli.lifecycle.model import Model
    from pmlcli.lifecycle.result import PredictionResult

_PANEL = "Which rows"


class Rows(NamedTuple):
    """The rows that were chosen, all rows as `--keep-all` writes them, and what is said of the choice."""

    chosen: pd.DataFrame
    whole: pd.DataFrame
    facts: dict[str, int]


@options
class RowOptions:
    """Which rows are given, and in which order."""

    top: Annotated[
        int | None,
        LIMIT,
        typer.Option(
            "--top",
            min=1,
            metavar="N",
            help="Show only the first N rows: the riskiest, or the first by --sort.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    sort: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Sort by this column; COLUMN:asc or COLUMN:desc sets the direction. By default the highest "
            "numbers and flags come first, and the lowest texts and times.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    new_since: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--new-since",
            metavar="FILE.csv",
            help="Only rows that are new or worse than in an earlier run, given by the CSV it wrote.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    keep_all: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--keep-all",
            metavar="FILE.csv",
            help="Also write all rows to this file, for --new-since of the next run. It may be the file that "
            "--new-since names, and need not exist in the first run.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    accept: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--accept",
            metavar="FILE.csv",
            help="Leave out cases that somebody has accepted. One case id per line; after a comma, the last "
            "day on which that holds.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    raw: Annotated[
        bool,
        SHOWN,
        typer.Option("--raw", help="Show all digits, and durations in seconds."),
    ] = False

    def check(self, *, force: bool) -> None:
        """Raises before any work is done when a file is not there, or in the way."""
        if self.accept is not None:
            _require_file(self.accept)
        if self.new_since is not None and not self._is_first_run():
            _require_file(self.new_since)
        if self.keep_all is not None:
            if self.keep_all.suffix.lower() != ".csv":
                raise ValidationError(f"{self.keep_all}: --keep-all writes CSV", hint="end it in .csv")
            _target.require_file_place(self.keep_all, force=force or self._is_same())

    def check_task(self, task: Task[Any, Any, Any, Any]) -> None:
        """Raises before the model is asked where its rows are about no cases."""
        for option, value in (("--new-since", self.new_since), ("--accept", self.accept)):
            if value is not None and not task.is_about_cases:
                raise ValidationError(
                    f"{option} is about cases, and a {task.name} is about none", hint="leave it out"
                )
        if self.top is not None and self.sort is None and not task.risks:
            raise ValidationError(
                f"a {task.name} has no riskiest row for --top", hint="give --sort COLUMN as well"
            )

    def choose(self, result: PredictionResult, model: Model, session: Session) -> Rows:
        """The rows that these options ask for; ValidationError for files and columns that do not fit."""
        # pandas takes time to import.
        from pmlcli.lifecycle import order
        from pmlcli.lifecycle.situation import beside

        whole = table = beside(result.predictions, result.situations)
        facts = {"n_predicted": len(whole)}
        if self.new_since is not None:
            table = self._new(table, model, facts, session)
        if self.accept is not None:
            table = self._left(table, model, result, facts, session)
        if self.sort is not None:
            table = order.ordered(table, order.sort_key(self.sort, table))
        elif self.top is not None and (risk := model.algorithm.task.risk_of(table)) is not None:
            table = order.ordered(table, order.SortKey(*risk))
        chosen = table if self.top is None else table.head(self.top)
        return Rows(chosen.reset_index(drop=True), whole, facts)

    def _new(
        self, table: pd.DataFrame, model: Model, facts: dict[str, int], session: Session
    ) -> pd.DataFrame:
        from pmlcli.lifecycle import last_run

        change = last_run.changes(self._last(model, session), table, model.algorithm.task)
        facts |= {f"n_{word}": int((change == word).sum()) for word in (last_run.NEW, last_run.WORSE)}
        session.note(f"{facts['n_new']:,} new and {facts['n_worse']:,} worse since {self.new_since}")
        changed: pd.DataFrame = table.assign(**{last_run.CHANGE: change}).loc[change != ""]
        return changed.reset_index(drop=True)

    def _last(self, model: Model, session: Session) -> LastRun:
        from pmlcli.lifecycle import last_run

        assert self.new_since is not None
        if self._is_first_run():
            session.note(f"{self.new_since} is not there yet: everything is new")
            return last_run.no_run(self.new_since)
        last = last_run.read_last_run(self.new_since)
        if warned := last_run.check_model(last, model.model_id, model.root_digest):
            session.warn(warned)
        return last

    def _left(
        self,
        table: pd.DataFrame,
        model: Model,
        result: PredictionResult,
        facts: dict[str, int],
        session: Session,
    ) -> pd.DataFrame:
        from pmlcli.lifecycle import accepted
        from pmlcli.lifecycle.provenance import now

        assert self.accept is not None
        found = accepted.read_accepted(self.accept)
        today = accepted.today_in(now(), model.manifest_fields["input_schema"]["timezone"])
        is_accepted = found.covers(table["case_id"], today)
        facts["n_accepted"] = int(is_accepted.sum())
        expired = found.expired(today)
        told = f"; {number.counted(expired, 'case')} no longer accepted" if expired else ""
        session.note(f"left out {number.counted(facts['n_accepted'], 'accepted row')}{told}")
        return table[~is_accepted].reset_index(drop=True)

    def _is_same(self) -> bool:
        return self.keep_all is not None and self.keep_all == self.new_since

    def _is_first_run(self) -> bool:
        return self._is_same() and self.new_since is not None and not self.new_since.exists()


def _require_file(path: Path) -> None:
    if not path.is_file():
        what = "not a regular file" if path.exists() else "no such file"
        raise OutputError(f"{path}: {what}", hint="check the path", context={"path": str(path)})
