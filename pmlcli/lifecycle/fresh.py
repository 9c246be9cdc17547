"""Answers from a freshly started interpreter: what a model says to who has its bytes alone.

Unlike a fork (`isolation`), the process shares nothing with this one: no thread of a library, no module, no
memory. It is confined in the same way, and what it sends back is read in the same way. What it is sent is a
pickle, written here and read there, never the other way round.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from pmlcli import errors
from pmlcli.algorithms._interface.request import Request
from pmlcli.errors import PmlError
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.confinement import Limits
from pmlcli.lifecycle.frames import Files
from pmlcli.lifecycle.isolation import answer_of_child
from pmlcli.store.directory import ModelFiles, Seal
from pmlcli.store.manifest import MANIFEST_NAME, parse, records_of

_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from pmlcli.lifecycle.fresh_child import main; main(int(sys.argv[1]))"
)


@dataclass(frozen=True)
class Question:
    """What to ask of a log, None for what follows the training log."""

    log: EventLog | None
    request: Request


@dataclass(frozen=True)
class Job:
    """A model as bytes, and what is asked of it: a prediction, or without a question the canary's answers."""

    manifest: bytes
    files: Files
    limits: Limits
    question: Question | None = None

    def stored(self) -> ModelFiles:
        """The model as it is read from a directory; UntrustedArtifactError when bytes and manifest differ."""
        manifest = parse(self.manifest, source=MANIFEST_NAME)
        if records_of(self.files) != manifest.artifacts:
            raise errors.UntrustedArtifactError(f"{MANIFEST_NAME}: lists other artifacts than there are")
        return ModelFiles(Seal(manifest, self.manifest, None), self.files)


def ask(job: Job, tellable: tuple[type[PmlError], ...] = ()) -> Files:
    """What a fresh, confined interpreter answers; errors as those of `isolation.ask`.

    OutputError where no interpreter can be started.
    """
    try:
        with tempfile.TemporaryFile() as sent:
            pickle.dump(sys.path, sent)
            pickle.dump(job, sent)
            sent.seek(0)
            process, reading = _started(sent.fileno())
    except OSError as error:
        raise errors.OutputError(
            f"cannot start a new Python process to open the model: {error.strerror or error}",
            hint="end other processes, or make room for temporary files",
        ) from error
    try:
        return answer_of_child(process.pid, reading, job.limits, tellable)
    finally:
        process.returncode = 0  # `answer_of_child` has waited for it


def _started(standard_input: int) -> tuple[subprocess.Popen[bytes], int]:
    """The process, in a group of its own, and the end of the pipe from which its answer is read."""
    own = (("-E", sys.flags.ignore_environment), ("-s", sys.flags.no_user_site))
    flags = [flag for flag, is_set in own if is_set]
    reading, writing = os.pipe()
    try:
        # -P: the working directory holds anybody's files.
        command = [sys.executable, *flags, "-P", "-c", _START, str(writing)]
        null = subprocess.DEVNULL
        process = subprocess.Popen(
            command, stdin=standard_input, stdout=null, stderr=null, pass_fds=(writing,), process_group=0
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, reading
