"""The console script, and `python -m pmlcli`: loads the command line and runs it."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line. An interrupt while it is still loading ends without a traceback."""
    # Closed streams (`>&-`) are None; what is written to them goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    # Unbuffered (PYTHONUNBUFFERED), a write that the system cuts short would lose the rest without a word.
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        sys.stdout = open(  # noqa: PTH123, SIM115
            sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False
        )
    try:
        # Imported here, so that an interrupt while it loads is caught.
        from pmlcli.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
