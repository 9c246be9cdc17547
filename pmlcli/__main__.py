"""The console script, and `python -m pmlcli`: loads the command line and runs it."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn


def leave_working_directory(*, as_module: bool) -> None:
    """Takes the working directory off `sys.path`, so that no code is loaded because it lies there.

    `python -m` puts it first, and an empty element of PYTHONPATH means it; an element that names it with its
    whole path is meant. Where pmlcli itself lies there, who can write to it needs no plugin.
    """
    try:
        here = os.getcwd()  # noqa: PTH109 (nothing more is imported before this is done)
    except OSError:
        return
    if here == os.path.dirname(os.path.dirname(os.path.abspath(__file__))):  # noqa: PTH100, PTH120
        return
    if as_module and not sys.flags.safe_path and sys.path[0] in ("", here):
        del sys.path[0]
    variable = os.environ.get("PYTHONPATH")
    elements = variable.split(os.pathsep) if variable else []
    if sys.flags.ignore_environment or here in elements:
        return
    for element in elements:
        if element in ("", os.curdir) and here in sys.path:
            sys.path.remove(here)


def main(*, as_module: bool = False) -> NoReturn:
    """Runs the command line. An interrupt while it is still loading ends without a traceback."""
    leave_working_directory(as_module=as_module)
    # Closed streams (`>&-`) are None; what is written to them goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    # Unbuffered (PYTHONUNBUFFERED), a write that the system cuts short would lose the rest without a word.
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        sys.stdout = open(  # noqa: PTH123, SIM115
            sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False
        )
    try:
        _require_system()
        # Imported here, so that an interrupt while it loads is caught.
        from pmlcli.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


def _require_system() -> None:
    """Ends with one line (with --json one document) where the command line could not even be imported."""
    from pmlcli import system
    from pmlcli.errors import UnsupportedSystemError

    try:
        system.require()
    except UnsupportedSystemError as error:
        if "--json" in sys.argv[1:]:
            from pmlcli.render.json import error_document

            sys.stdout.write(f"{error_document(error)}\n")
        else:
            sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(as_module=True)
