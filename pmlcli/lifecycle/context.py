"""Hooks: who may watch a run, what they are shown, and what happens when one raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from pmlcli.errors import STOPPED, HookError, PmlError
from pmlcli.registry import plugged_in

ENTRY_POINTS = "pmlcli.hooks"


@dataclass(frozen=True)
class LifecycleContext:
    """What a hook is told: which model, which operation, when (UTC), and read-only data of the moment.

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
    """Watches a model's life. Override what you need; raise to end the run; nothing you return is used."""

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
            hint="mend that package, or take it out of this environment",
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


def frozen(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only view of a copy of `data`."""
    return MappingProxyType(dict(data))
