"""How a trained model is asked: in this process, or in a confined child that has its bytes alone."""

from __future__ import annotations

from pmlcli.algorithms._interface.request import Request
from pmlcli.errors import PmlError
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle import answer, artifacts, canary, expectation, fresh, isolation
from pmlcli.lifecycle.answer import Answer
from pmlcli.lifecycle.baseline import check_baseline
from pmlcli.lifecycle.canary import REPLAYED_EVENTS, Replay
from pmlcli.lifecycle.confinement import Limits
from pmlcli.lifecycle.contract import unseen_values
from pmlcli.lifecycle.foreign import known_activities
from pmlcli.lifecycle.frames import Files
from pmlcli.lifecycle.reference import read_reference
from pmlcli.lifecycle.reproducible import reproducible
from pmlcli.lifecycle.state import TrainedState


def ask(state: TrainedState, log: EventLog | None, request: Request) -> Answer:
    """The task's table and what is told beside it; from a confined child when the model is isolated."""
    tellable = expectation.tellable(log, request, state.input_schema)
    if state.is_isolated:
        limits = isolation.limits_for(events=0 if log is None else log.n_events, files=state.files)
        files = _from_child(state, fresh.Question(log, request), limits, tellable)
        rows = state.task.prediction_form(state.algorithm, log, request).rows
        given = answer.decode(files, most_characters=limits.result_bytes, rows=rows)
    else:
        with reproducible(state.algorithm.seed), state.used(tellable):
            given = table(state, log, request)
    if state.is_loaded:
        expectation.check_answer(state.algorithm, log, request, given)
    return given


def replay(state: TrainedState) -> Replay:
    """How the predictions for the canary cases on this machine compare with the recorded ones."""
    if state.is_isolated:
        limits = isolation.limits_for(events=REPLAYED_EVENTS, files=state.files)
        return Replay.from_files(_from_child(state, None, limits))
    with reproducible(state.algorithm.seed), state.used():
        return _replayed(state)


def respond(state: TrainedState, question: fresh.Question | None) -> Files:
    """The answer as a confined child sends it; without a question how the canary's answers compare."""
    if question is None:
        return _replayed(state).to_files()
    return answer.encode(table(state, question.log, question.request))


def table(state: TrainedState, log: EventLog | None, request: Request) -> Answer:
    """What the fitted algorithm itself says, in whatever process this is."""
    if log is None:
        return Answer(state.task.predict_without_log(state.fitted, request), {})
    return Answer(state.task.predict(state.fitted, log, request), unseen_values(log, state.fitted.encoding))


def _from_child(
    state: TrainedState,
    question: fresh.Question | None,
    limits: Limits,
    tellable: tuple[type[PmlError], ...] = (),
) -> Files:
    """From a fork of this process, or where there is none from a freshly started one."""
    if not isolation.is_possible():
        return fresh.ask(fresh.Job(state.sealed(), state.files, limits, question), tellable)
    within = reproducible(state.algorithm.seed)
    return isolation.ask(lambda: respond(state, question), limits, within, tellable)


def _replayed(state: TrainedState) -> Replay:
    recorded = artifacts.read_json(state.files, artifacts.CANARY_FILE)
    # What other commands read of the model is vouched for too.
    known_activities(state.files)
    read_reference(state.files)
    check_baseline(state)
    return canary.replay(state.fitted, recorded)
