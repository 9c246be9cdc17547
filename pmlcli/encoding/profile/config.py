"""What goes into a case profile: asked for by name, checked before a log is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, RESOURCE, START_TIMESTAMP, TIMESTAMP


@dataclass(frozen=True)
class FeatureConfig:
    """What a case profile has besides activities, directly-follows pairs, resources and times.

    These four are always used if the log has them: naming `activity`, `resource` or `timestamp` only means
    that the log must have them. Every other column is used only if it is named, because it may be the label
    that is to be found.

    - `numerical_features`: columns of numbers (mean and largest over a case; `case:` columns by value)
    - `categorical_features`: columns of values (events of a case that have each)
    - `temporal_features`: `timestamp`, or nothing
    - `use_normalization`: centre every column and divide it by its spread, both learned in training
    """

    numerical_features: Sequence[str] = ()
    categorical_features: Sequence[str] = ()
    temporal_features: Sequence[str] = ()
    use_normalization: bool = False

    def __post_init__(self) -> None:
        for name in ("numerical_features", "categorical_features", "temporal_features"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        refused = {
            "numerical": {CASE_ID, ACTIVITY, RESOURCE, TIMESTAMP, START_TIMESTAMP}
            & {*self.numerical_features},
            "categorical": {CASE_ID, TIMESTAMP, START_TIMESTAMP} & {*self.categorical_features},
            "temporal": {*self.temporal_features} - {TIMESTAMP},
        }
        for kind, names in refused.items():
            if names:
                raise ValidationError(
                    f"'{min(names)}' cannot be a {kind} feature",
                    hint="times are used by 'timestamp' as a temporal feature; a case id has no information",
                    context={"column": min(names), "parameter": f"{kind}_features"},
                )

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that is named, once."""
        return tuple(
            dict.fromkeys((*self.numerical_features, *self.categorical_features, *self.temporal_features))
        )
