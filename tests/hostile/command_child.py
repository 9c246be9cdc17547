"""Runs commands on every hostile directory in this process, one JSON line each, so a crash names its case."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pmlcli.cli.app import app
from tests.runner import build_once

WATCHED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.", "socket.connect", "pty.")


def emit(line: dict[str, Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def watch(event: str, args: tuple[Any, ...]) -> None:
    if event.startswith(WATCHED):
        emit({"audit": event})


def cpu_seconds() -> float:
    """Of this process and the children that ended: what a busy machine does not change."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main(directory: Path) -> None:
    cases: list[str] = json.loads((directory / "cases.json").read_text())
    os.chdir(directory)
    build_once()
    runner = CliRunner()
    commands = {
        "predict": ["predict", "MODEL", "log.csv", "--cases", "all"],
        "inspect": ["inspect", "MODEL"],
        "verify": ["verify", "MODEL"],
        "upgrade": ["upgrade", "MODEL", "-o", "new"],
    }
    runner.invoke(app, ["predict", "honest", "log.csv"])  # libraries are imported before anything is timed
    sys.addaudithook(watch)
    peak = honest = max(
        resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    for case in cases:
        for command, arguments in commands.items():
            emit({"case": case, "command": command, "begun": True})
            start = cpu_seconds()
            done = runner.invoke(app, [case if word == "MODEL" else word for word in arguments])
            seconds = cpu_seconds() - start
            before, peak = (
                peak,
                max(
                    resource.getrusage(who).ru_maxrss
                    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                ),
            )
            told = {"code": done.exit_code, "stdout": done.stdout[:20_000], "stderr": done.stderr[:20_000]}
            fault = "" if isinstance(done.exception, (SystemExit, type(None))) else repr(done.exception)
            usage = {
                "seconds": seconds,
                "more_mb": (peak - honest) // 1024 if peak > before else 0,
                "fault": fault,
            }
            emit({"case": case, "command": command, **told, **usage})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
