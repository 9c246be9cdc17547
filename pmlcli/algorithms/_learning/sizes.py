"""The numbers that fix a network's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pmlcli.errors import UntrustedArtifactError, ValidationError

LARGEST_SIZE = 2**53
SHAPES = ("hidden_size", "embedding", "latent_size", "layers", "heads")
"""Parameters that fix a network's shape: those of them that its algorithm has are among its sizes."""


@dataclass(frozen=True)
class Sizes:
    """Single numbers by name, and lists of numbers where the order means something (one a column, say).

    A list is never kept as numbered names: a saved mapping comes back sorted, "codes 10" before "codes 2".
    """

    numbers: dict[str, int]
    lists: dict[str, list[int]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    def __or__(self, other: Sizes) -> Sizes:
        return Sizes(self.numbers | other.numbers, self.lists | other.lists)

    def to_plain(self) -> dict[str, int | list[int]]:
        """JSON-plain: a number or a list by name."""
        return {**self.numbers, **{name: list(each) for name, each in self.lists.items()}}

    @classmethod
    def of_parameters(cls, parameters: Mapping[str, Any]) -> Sizes:
        """Those of the parameters that are sizes; ValidationError for heads that do not fit."""
        sizes = {name: parameters[name] for name in SHAPES if name in parameters}
        width, heads = sizes.get("hidden_size", 0), sizes.get("heads", 1)
        if width % heads:
            raise ValidationError(
                f"hidden_size is {width}, which {heads} heads do not divide",
                hint=f"hidden_size={width // heads * heads or heads}, say",
                context={"parameter": "hidden_size"},
            )
        return cls(sizes)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], parameters: Mapping[str, Any]) -> Sizes:
        """The inverse of `to_plain`.

        UntrustedArtifactError for what is no size, and where one that is a parameter (layers, say, which
        are made one by one) differs from it.
        """
        lists = {name: value for name, value in plain.items() if isinstance(value, list)}
        numbers = {name: value for name, value in plain.items() if name not in lists}
        for name, value in plain.items():
            for size in value if isinstance(value, list) else [value]:
                if type(size) is not int or not 0 <= size <= LARGEST_SIZE:
                    raise _no_size(name, size)
            if parameters.get(name, value) != value:
                raise _no_size(name, value)
        return cls(numbers, lists)


def _no_size(name: str, value: object) -> UntrustedArtifactError:
    what = str(value) if type(value) is int else type(value).__name__
    return UntrustedArtifactError(f"no training gives a network whose {name} is {what}")
