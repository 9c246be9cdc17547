"""Whether a result can be written where it shall go, found out before any work is done.

The writer decides for itself again, under its lock; this only saves the wait.
"""

from __future__ import annotations

import os
from pathlib import Path

from pmlcli import writing
from pmlcli.errors import OutputError, ValidationError


def require_model_place(path: Path, *, force: bool) -> None:
    """Raises ValidationError when a model's `path` is taken; OutputError when it cannot be written."""
    if str(path) == "-":
        raise ValidationError(
            "a model is a directory and cannot go to stdout", hint="name a directory with -o"
        )
    if path.is_symlink():
        what = f"is a symbolic link to {path.readlink()}"
        raise _occupied(path, what, "name the directory that it leads to")
    if path.exists() and not (path / "manifest.json").is_file():
        raise _occupied(path, "is there and is not a pmlcli model", "choose another name, or remove it")
    if path.exists() and not force:
        raise _occupied(path, "is a model already", "give --force to replace it")
    require_outside_models(path)
    _require_parent(path)


def require_file_place(path: Path, *, force: bool) -> None:
    """Raises ValidationError when a file's `path` is taken; OutputError when it cannot be written."""
    if path.is_dir():
        raise _occupied(path, "is a directory", "name a file")
    if path.is_file() and not force:
        raise _occupied(path, "is there already", "give --force to replace it")
    require_outside_models(path)
    _require_parent(path)


def require_directory_place(path: Path, *, force: bool) -> None:
    """Raises ValidationError when files cannot go into `path`: no directory, or one that holds some."""
    if str(path) == "-":
        raise ValidationError("several files cannot go to stdout", hint="name a directory")
    if path.exists() and not path.is_dir():
        raise _occupied(path, "is a file", "name a directory")
    if path.is_dir() and not force and any(path.iterdir()):
        raise _occupied(path, "holds files already", "give --force to replace those of the same names")
    require_outside_models(path / "file")
    _require_parent(path / "file")


def is_file(path: Path | None) -> bool:
    """Whether what is written goes to a file: not where none is named, or - for stdout."""
    return path is not None and str(path) != "-"


def require_outside_models(path: Path) -> None:
    """Raises ValidationError for a place inside a model, which one more file would damage."""
    for place in path.absolute().parents:
        if (place / "manifest.json").is_file() and (place / "artifacts").is_dir():
            raise _occupied(
                path, f"is inside the model {place}, which it would damage", "choose another place"
            )


def _occupied(path: Path, what: str, hint: str) -> ValidationError:
    return ValidationError(f"{path}: {what}", hint=hint, code="io.exists", context={"path": str(path)})


def _require_parent(path: Path) -> None:
    """The nearest directory that exists must be one, and writable; missing ones below it are made later."""
    writing.resolved(path)
    parent = path.absolute().parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise OutputError(f"{path}: {parent} is not a directory", context={"path": str(path)})
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"{path}: cannot write in {parent}",
            hint="choose another place with -o",
            context={"path": str(path)},
        )
