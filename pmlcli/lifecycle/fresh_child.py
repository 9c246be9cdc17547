"""The started interpreter's part of `fresh`: build the model as a stranger would, confined, and ask it."""

from __future__ import annotations

import gc
import os
import pickle
import sys
from typing import NoReturn

from pmlcli import runtime
from pmlcli.lifecycle import asking, keeping
from pmlcli.lifecycle.confinement import confine, isolate_streams, restore_signals
from pmlcli.lifecycle.frames import Files, send
from pmlcli.lifecycle.fresh import Job
from pmlcli.lifecycle.isolation import confined_work
from pmlcli.lifecycle.reproducible import reproducible


def main(writing: int) -> NoReturn:
    """Reads the job from stdin, answers into `writing`, and ends the process."""
    status = 1
    try:
        job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 (written by the process that started this one)
        gc.disable()
        restore_signals()
        isolate_streams(writing)
        with runtime.use(threads=job.limits.threads, progress=None):
            kind, payload = confined_work(lambda: _answered(job), job.limits)
            send(writing, kind, payload)
        status = 0
    finally:
        os._exit(status)


def _answered(job: Job) -> Files:
    # Nothing is restored yet: this reads the manifest alone, and imports what the algorithm needs.
    state = keeping.state_of(job.stored())
    with reproducible(state.algorithm.seed):
        confine(job.limits)
        return asking.respond(state, job.question)
