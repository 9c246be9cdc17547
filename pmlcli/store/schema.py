"""The version of the model directory's format, and the steps from each released version to the next.

`SCHEMA_VERSION` counts everything that a reader must understand: the manifest's fields, the layout of
the directory, and the format of each artifact. It stays 1 until 0.1.0 is released, and states of the
code before that have no steps between them. From then on, whoever changes any of them so that an older
pmlcli would misread a new directory, or this one an old directory:

1. adds one to SCHEMA_VERSION;
2. adds the `Step` from the version before to STEPS, and never changes it again;
3. keeps the models of the version before under tests/golden/models/schema-N/ (they are made by
   tests/golden/make_models.py, before the change), which every later pmlcli verifies and asks;
4. says it in docs/model-directory.md and CHANGELOG.md.

A new optional meaning inside `hyperparameters`, `performance_metrics`, `training_log`, `platform` or
`determinism` needs no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 1
OLDEST_SCHEMA = 1

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Step:
    """What turns a model of one schema into the next, bytes and plain values only: nothing is built.

    `manifest` gets the old manifest's fields without `schema_version` and `artifacts`, and returns the new
    ones; `files` gets the verified artifacts by file name. Both may raise a `PersistenceError`.
    """

    manifest: Callable[[dict[str, Any]], dict[str, Any]]
    files: Callable[[Files], Files]


STEPS: dict[int, Step] = {}
"""By the version that the step starts from."""


def steps_from(version: int) -> Iterator[Step]:
    """The steps from `version` to the present one, in order."""
    return (STEPS[number] for number in range(version, SCHEMA_VERSION))


def current_fields(version: int, fields: dict[str, Any]) -> dict[str, Any]:
    """A manifest's fields as the present schema has them."""
    for step in steps_from(version):
        fields = step.manifest(fields)
    return fields


def current_files(version: int, files: Files) -> Files:
    """The artifacts as the present schema has them."""
    for step in steps_from(version):
        files = step.files(files)
    return files
