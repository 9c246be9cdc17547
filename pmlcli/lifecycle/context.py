"""Hooks: who may watch a run, what they are shown, and what happens when one raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from pmlcli.errors import STOPPED, HookError, PmlError, TrainingError, ended_by
from pmlcli.lifecycle.blame import in_place
from pmlcli.lifecycle.provenance import now
from pmlcli.registry import plugged_in

ENTRY_POINTS = "pmlcli.hooks"


@dataclass(frozen=True)
class LifecycleContext:
    """What a hook receives: which model, which operation, when (UTC), and read-only data of this step.

    `operation` is train, predict, save or load. `data` holds, by hook: before_train `log`, `parameters`;
    after_train `metrics`, `metadata`; before_predict `log` (None for a forecast from the end of
    training); after_predict `predictions` (a copy), `metadata`; before_save `path`; after_load `path`;
    on_failure `error`.
    """

    model_id: str
    model_type: str
    operation: str
    timestamp: datetime
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Hook:
    """Is called at the steps of a run. Override what you need; raise to end the run; return values are
    ignored.
    """

    def before_train(self, context: LifecycleContext) -> None:
        """Called once the log is read and checked, before anything is learned."""

    def after_train(self, context: LifecycleContext) -> None:
        """Called once the model is trained and measured."""

    def before_predict(self, context: LifecycleContext) -> None:
        """Called once the log is checked against the model's data contract."""

    def after_predict(self, context: LifecycleContext) -> None:
        """Called with the predictions before they are returned."""

    def before_save(self, context: LifecycleContext) -> None:
        """Called before anything is written."""

    def after_load(self, context: LifecycleContext) -> None:
        """Called once a model directory is verified and loaded."""

    def on_failure(self, context: LifecycleContext) -> None:
        """Called when an operation ends in an error, with that error."""


def installed_hooks() -> tuple[Hook, ...]:
    """One instance of each hook class that other packages registered, by name of entry point.

    Raises HookError, naming the hook, for one that cannot be made.
    """
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    return tuple(_made(entry) for entry in found)


def _made(entry: EntryPoint) -> Hook:
    try:
        hook: Hook = plugged_in(entry)()
    except STOPPED:
        raise
    except BaseException as error:
        package = "" if entry.dist is None else f" of the package {entry.dist.name}"
        raise HookError(
            f"hook '{entry.name}' ({entry.value}){package} cannot be loaded: {type(error).__name__}: {error}",
            hint="fix that package, or remove it from this environment",
            context={"hook": entry.value},
        ) from error
    return hook


def call_hooks(point: str, hooks: Iterable[Hook], context: LifecycleContext) -> None:
    """Calls `point` on each hook: before_ in order of registration, the others in reverse.

    Raises HookError, naming the hook, when one raises, or would end the program.
    """
    ordered = list(hooks)
    for hook in ordered if point.startswith("before") else reversed(ordered):
        try:
            getattr(hook, point)(context)
        except STOPPED:
            raise
        except BaseException as error:
            raise _hook_error(hook, point, error) from error


def _hook_error(hook: Hook, point: str, error: BaseException) -> HookError:
    name = f"{type(hook).__module__}.{type(hook).__qualname__}.{point}"
    hint = error.hint if isinstance(error, PmlError) else None
    return HookError(f"hook {name} raised {type(error).__name__}: {error}", hint=hint, context={"hook": name})


class Watched(Protocol):
    """Whose life hooks watch; a model that is loaded into another one has its name from then on."""

    model_id: str
    model_type: str


class Run:
    """The hooks of one operation and the context that they are shown."""

    def __init__(self, model: Watched, operation: str, hooks: tuple[Hook, ...]) -> None:
        self._model, self._operation, self._hooks = model, operation, hooks

    def call(self, point: str, **data: Any) -> None:
        """Calls one hook point on all hooks with this data."""
        call_hooks(point, self._hooks, self._context(data))

    def tell_failure(self, error: Exception) -> None:
        """Calls on_failure of every hook; the first error stays the one that is raised.

        What a hook raises there is noted on it, and stands in its context as `failed_hooks`.
        """
        for hook in reversed(self._hooks):
            try:
                call_hooks("on_failure", (hook,), self._context({"error": error}))
            except PmlError as second:
                error.add_note(second.message)
                if isinstance(error, PmlError):
                    error.context.setdefault("failed_hooks", []).append(second.message)

    def _context(self, data: Mapping[str, Any]) -> LifecycleContext:
        model, read_only = self._model, MappingProxyType(dict(data))
        return LifecycleContext(model.model_id, model.model_type, self._operation, now(), read_only)


@contextmanager
def running(
    model: Watched, operation: str, hooks: tuple[Hook, ...], place: Path | None = None
) -> Iterator[Run]:
    """One train, predict, evaluate, save or load: gives hooks their context, and tells them when it fails.

    `place` is the model's directory, which errors name.
    """
    run = Run(model, operation, hooks)
    try:
        with in_place(place), _not_ended():
            yield run
    except Exception as error:
        run.tell_failure(error)
        if isinstance(error, MemoryError):
            raise TrainingError("out of memory", hint="use a smaller log or a lighter algorithm") from error
        raise


@contextmanager
def _not_ended() -> Iterator[None]:
    """Makes an error of a plugin or library that would end the program, so that hooks are told of it."""
    try:
        yield
    except SystemExit as error:
        raise ended_by(error) from error
