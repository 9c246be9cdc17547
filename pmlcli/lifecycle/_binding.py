"""A method that a class and its instances both have, with one body for both."""

from __future__ import annotations

from collections.abc import Callable
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

        bound.__doc__ = self.__doc__
        return bound
