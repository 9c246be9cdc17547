"""A method that a class and its instances both have, with one body for both."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class of_class_or_instance(Generic[P, R]):  # noqa: N801 (used like classmethod)
    """Like `classmethod`; the function gets the instance too when it is called on one, else None."""

    def __init__(self, function: Callable[Concatenate[type[Any], Any, P], R]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: type[Any]) -> Callable[P, R]:
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._function(owner, instance, *args, **kwargs)

        update_wrapper(bound, self._function)
        # `help` shows what a caller gives: neither the class nor the instance.
        known = inspect.signature(self._function)
        given = list(known.parameters.values())[2:]
        vars(bound)["__signature__"] = known.replace(parameters=given)
        return bound
