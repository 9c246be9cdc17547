"""The command line `pmlcli`: its commands, and how a run of it ends."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

import pmlcli
from pmlcli.cli import _config, _examples, _failure, _unopened
from pmlcli.cli._group import VARIABLE_PREFIX, flatten
from pmlcli.cli.algorithms import algorithms
from pmlcli.cli.compare import compare
from pmlcli.cli.config import config
from pmlcli.cli.convert import convert
from pmlcli.cli.doctor import doctor
from pmlcli.cli.evaluate import evaluate
from pmlcli.cli.export import export
from pmlcli.cli.inspect import inspect
from pmlcli.cli.keygen import keygen
from pmlcli.cli.monitor import monitor
from pmlcli.cli.predict import predict
from pmlcli.cli.report import report
from pmlcli.cli.sample import sample
from pmlcli.cli.sign import sign
from pmlcli.cli.train import train
from pmlcli.cli.upgrade import upgrade
from pmlcli.cli.verify import verify
from pmlcli.errors import Terminated, ended_by, nearest
from pmlcli.escape import shown_line, visible

HINT = """Put a log of yours in place of the sample. `pmlcli --help` lists all commands,
`pmlcli COMMAND --help` begins with examples, `pmlcli doctor` says what is installed."""
EPILOG = """Every option can be set for all runs: as a variable PMLCLI_NAME, in a file that --config names,
or in ~/.config/pmlcli/config.toml (name = value). pmlcli.toml, or [tool.pmlcli] of pyproject.toml, in the
working directory can set options too, but not whom to trust, where files go, or limits. The command line
comes first, then the variable, then the file that you name or that is found, then your own.

Exit codes: 0 done; 1 a bug; 2 usage or configuration, or the output exists; 3 the log cannot be used; 4 the
model cannot be used here, or an extra or a call of the system is missing; 5 the model is damaged, or nobody
trusted signed it; 6 a limit of --fail-if is crossed; 7 another process is writing the model; 8 --time-limit
was over before there was a model; 74 a file cannot be read or written; 130 and 143 interrupted."""


HELP_ALL = "pmlcli.help_all"
FOLDED = ("Choosing events and cases", "Reading the log")
"""Groups of options that --help only names."""


class _Command(TyperCommand):
    """A command whose help puts its options under the headings of their groups."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; what a found file set is said first, with -q only when the run fails."""
        found = _config.found_settings(ctx)
        token = _config.told.set((found,) if found else ())
        running = _config.running.set(ctx)
        try:
            return super().invoke(ctx)
        except SystemExit as error:
            raise ended_by(error) from error
        except Exception as error:
            if found and ctx.params.get("quiet") and getattr(error, "exit_code", 1):
                typer.echo(shown_line(found), err=True)
            raise
        finally:
            _config.told.reset(token)
            _config.running.reset(running)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line's parts; a required argument is `LOG`, not `{LOG}`."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, with --help-all where a group of options is folded."""
        found = super().get_params(ctx)
        if any(getattr(one, "rich_help_panel", None) in FOLDED for one in self.params):
            found.append(_help_all())
        return found

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Writes examples before what the command is."""
        _write_examples(_examples.EXAMPLES.get(self.name or "", ()), formatter)
        super().format_help_text(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments, then options by heading, those without one first; long groups folded."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                title = getattr(parameter, "rich_help_panel", None) or usual
                sections.setdefault(title, []).append(record)
        folded = {} if ctx.meta.get(HELP_ALL) else {t: sections[t] for t in FOLDED if t in sections}
        for title, records in sections.items():
            if records and title not in folded:
                with formatter.section(title):
                    formatter.write_dl(records)
        if folded:
            with formatter.section("More options, explained by --help-all"):
                formatter.write_dl([(title, _names(records)) for title, records in folded.items()])


def _names(records: Sequence[tuple[str, str]]) -> str:
    """The options of a folded group: `--where, --since`."""
    return ", ".join(word for record in records for word in record[0].split() if word.startswith("--"))


def _write_examples(lines: Sequence[str], formatter: Any) -> None:
    if lines:
        with formatter.section("Examples"):
            # As they are, however long: a line that was wrapped could not be copied.
            formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in lines))


def _help_all() -> TyperOption:
    def show(context: Any, _parameter: Any, value: bool) -> None:
        if value and not context.resilient_parsing:
            context.meta[HELP_ALL] = True
            typer.echo(context.get_help())
            raise typer.Exit

    return TyperOption(
        param_decls=["--help-all"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show this message with all options, and exit.",
    )


_SKIPPED_BY = "PMLCLI_SKIP_OPENING"
"""The one variable that is no option: `lifecycle.opening` reads it, and its import is dear."""


class _Group(TyperGroup):
    """The group of all commands; turns whatever they raise into an exit code, also under a test's runner."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Writes where to start before what pmlcli is."""
        _write_examples(_examples.START, formatter)
        super().format_help_text(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; a reader that closed our stdout is no failure worth a word."""
        self._warn_of_unknown_variables()
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_failure.EXIT_BROKEN_PIPE) from None

    def _warn_of_unknown_variables(self) -> None:
        """A misspelt variable would be ignored without a word."""
        commands = getattr(self, "commands", {}).values()
        known = {str(parameter.envvar) for command in commands for parameter in command.params}
        known.add(_SKIPPED_BY)
        for name in sorted(name for name in os.environ if name.startswith(VARIABLE_PREFIX)):
            if name not in known:
                near = nearest(name, known)
                hint = f" (did you mean {near}?)" if near else ""
                typer.echo(f"warning: {visible(name)} is no variable of pmlcli{hint}", err=True)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Parses and runs, and ends the process with the run's exit code."""
        arguments = list(sys.argv[1:] if args is None else args)
        mode = extra.setdefault("obj", _failure.mode_of(arguments, os.environ))
        run = super().main
        code = _failure.guarded(
            lambda: run(arguments, prog_name, complete_var, False, windows_expand_args, **extra), mode
        )
        if code and not mode.is_recorded:
            _unopened.record(mode, code, os.environ)
        if standalone_mode:
            sys.exit(code)
        return code


app = typer.Typer(
    name="pmlcli",
    cls=_Group,
    help="Machine learning on process-mining event logs, kept in model directories that prove themselves.",
    epilog=EPILOG,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"pmlcli {pmlcli.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        lines = "\n".join(f"  {line}" for line in _examples.START)
        typer.echo(f"Start here:\n{lines}\n\n{HINT}", err=True)
        raise typer.Exit(2)


def _register(*commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(command.__name__, cls=_Command)(flatten(command))


_register(
    train,
    predict,
    evaluate,
    monitor,
    compare,
    report,
    inspect,
    verify,
    sign,
    keygen,
    upgrade,
    convert,
    export,
    algorithms,
    sample,
    doctor,
    config,
)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def main() -> NoReturn:
    """The console script: runs the command line and ends the process.

    Only here, in a process of our own: signals, warnings of libraries, and what becomes of a bug.
    """
    mode = _failure.mode_of(sys.argv[1:], os.environ)

    def on_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        del kind, trace
        _failure.tell_bug(error, mode)

    sys.excepthook = on_bug
    signal.signal(signal.SIGTERM, _terminate)
    # A terminal that is closed; under nohup it stays ignored.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminate)
    if not sys.warnoptions and not mode.debug:
        warnings.simplefilter("ignore")
    # Called as a command, not as app(): Typer would put its own excepthook in place of ours.
    code = get_command(app).main(prog_name="pmlcli", standalone_mode=False, obj=mode)
    try:
        sys.stdout.flush()
    except OSError:
        _failure.silence_stdout()
    sys.exit(code)
