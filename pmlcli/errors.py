"""Everything that pmlcli raises on purpose, drawn once.

    PmlError                       exit 1   base class, never raised itself
    |- ValidationError             exit 2   an option, name or parameter is wrong
    |- LogError                    exit 3   the event log cannot be used
    |- TrainingError               exit 3   the algorithm cannot be trained on this log
    |- PredictionError             exit 4   the model cannot predict (untrained, wrong task, ...)
    |- PersistenceError            exit 4   the model cannot be used here: absent, of another type, untrained
    |  |- IncompatibleVersionError exit 4   written by another schema or library version
    |  |- DamagedModelError        exit 5   the directory does not hold what pmlcli writes
    |  |  |- MissingArtifactError   exit 5  a file that the manifest lists is absent
    |  |  |- ChecksumMismatchError  exit 5  a file's bytes are not those that the manifest vouches for
    |  |  `- UntrustedArtifactError exit 5  an artifact holds something that this algorithm never writes
    |  `- SignatureError           exit 5   a signature is absent, wrong, or by another key
    |- MissingDependencyError      exit 4   an optional library is not installed; names the pip extra
    |- UnsupportedSystemError      exit 4   the operating system lacks what pmlcli needs
    |- HookError                   exit 1   a hook raised; names the hook
    |- UnopenedModelError          exit 1   a trained model did not answer once it was opened again: a bug
    |- GateError                   exit 6   a result is beyond a limit that the user set; it was written
    |- BusyError                   exit 7   another process works on the same model directory
    |- TimeLimitError              exit 8   the time of a training was over before there was anything to keep
    `- OutputError                 exit 74  cannot read or write a file

`verify` returns 5 where a check failed, 4 where the model cannot be used here. Code 6 is a result more than
an error: all that was asked for has been written before it is raised.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pmlcli.python_words import in_python


class PmlError(Exception):
    """The base of all errors of pmlcli: what happened, where, and what to do.

    `code` is a stable identifier for scripts, `context` holds plain facts (line, column, samples,
    dependency, ...), `hint` is one sentence on what to do. `message` and `hint` name options of the command
    line; as text (`str`, a traceback) the error names keyword arguments.
    """

    default_code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.context: dict[str, Any] = dict(context or {})

    def __str__(self) -> str:
        return in_python(f"{self.message} ({self.hint})" if self.hint else self.message)

    def begin_with(self, start: str, *, instead_of: str) -> None:
        """Replaces the beginning of the message, if it is `old` (such as a file name by its whole path)."""
        if self.message.startswith(instead_of):
            self.reword(start + self.message[len(instead_of) :])

    def reword(self, message: str) -> None:
        """Replaces the message."""
        self.message = message
        self.args = (message,)

    def to_dict(self) -> dict[str, Any]:
        """The error as one JSON-plain dict: kind, code, exit_code, message, hint, context."""
        return {
            "kind": type(self).__name__,
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "hint": self.hint,
            "context": self.context,
        }


class Terminated(BaseException):  # noqa: N818 (like KeyboardInterrupt: an order to stop, not an error)
    """SIGTERM or SIGHUP arrived."""


STOPPED = (KeyboardInterrupt, Terminated)
"""An order of the user's or the system's to stop, which nothing may turn into an error."""


def ended_by(error: SystemExit) -> PmlError:
    """The error of code that pmlcli called and that would have ended the program."""
    return PmlError(
        f"code that pmlcli called ended the program (SystemExit: {error})",
        hint="a library or plugin did; `--debug` shows which",
        code="exit",
    )


class PmlWarning(UserWarning):
    """Something that the user should know and that stops nothing; the command line prints it."""


class SeriousWarning(PmlWarning):
    """One that the command line prints with -q too."""


class ValidationError(PmlError):
    """An option, a name or a parameter is wrong, or the file to write exists already."""

    default_code = "usage"
    exit_code = 2


class LogError(PmlError):
    """The event log cannot be used as it is."""

    default_code = "log"
    exit_code = 3


class TrainingError(PmlError):
    """The algorithm cannot be trained on this log."""

    default_code = "training"
    exit_code = 3


class PredictionError(PmlError):
    """The model cannot make this prediction."""

    default_code = "prediction"
    exit_code = 4


class PersistenceError(PmlError):
    """The model cannot be used here, or cannot be saved."""

    default_code = "model"
    exit_code = 4


class DamagedModelError(PersistenceError):
    """The model directory does not hold what pmlcli writes: the manifest or a file is damaged."""

    default_code = "model.damaged"
    exit_code = 5


class MissingArtifactError(DamagedModelError):
    """A file that the manifest lists is absent."""

    default_code = "model.missing"


class ChecksumMismatchError(DamagedModelError):
    """A file's SHA-256 is not the one in the manifest."""

    default_code = "model.checksum"


class IncompatibleVersionError(PersistenceError):
    """The directory was written by a schema or library version that this one cannot read."""

    default_code = "model.version"


class UntrustedArtifactError(DamagedModelError):
    """An artifact holds something that this algorithm never writes."""

    default_code = "model.untrusted"


class SignatureError(PersistenceError):
    """A signature is absent, wrong, or made by another key."""

    default_code = "model.signature"
    exit_code = 5


class MissingDependencyError(PmlError):
    """An optional library is not installed."""

    default_code = "dependency"
    exit_code = 4

    def __init__(self, dependency: str, *, extra: str, needed_by: str) -> None:
        super().__init__(
            f"{needed_by} needs the library '{dependency}', which is not installed",
            hint=f"pip install 'pmlcli[{extra}]'",
            context={"dependency": dependency, "extra": extra},
        )

    @classmethod
    def joined(cls, errors: Sequence[MissingDependencyError]) -> MissingDependencyError:
        """One error for all of them: every missing library, and the one command that installs them."""
        libraries = list(dict.fromkeys(str(error.context["dependency"]) for error in errors))
        if len(libraries) < 2:
            return errors[0]
        extras = {extra for error in errors for extra in str(error.context["extra"]).split(",")}
        one = cls(libraries[0], extra=",".join(sorted(extras)), needed_by="")
        named = ", ".join(f"'{library}'" for library in libraries)
        one.reword(f"the members need the libraries {named}, which are not installed")
        one.context["dependency"] = ",".join(libraries)
        return one


class UnsupportedSystemError(PmlError):
    """The operating system lacks what pmlcli needs to keep and open models safely."""

    default_code = "system"
    exit_code = 4


class HookError(PmlError):
    """A hook raised; the run ended there."""

    default_code = "hook"
    exit_code = 1


class UnopenedModelError(PmlError):
    """A trained model could not predict from its files alone, so nothing was saved. A bug in pmlcli."""

    default_code = "bug.unopened"
    exit_code = 1


class GateError(PmlError):
    """A result is beyond a limit that the user set; all results have been written."""

    default_code = "gate"
    exit_code = 6


class BusyError(PmlError):
    """Another process works on the same model directory."""

    default_code = "busy"
    exit_code = 7


class TimeLimitError(PmlError):
    """The time that a training may take was over before there was anything to keep."""

    default_code = "time-limit"
    exit_code = 8


class OutputError(PmlError):
    """A file cannot be read or written."""

    default_code = "io"
    exit_code = 74


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely misspells, or None."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValidationError:
    """The error for a misspelt name: says what is nearest, else what there is."""
    names = sorted(known)
    near = nearest(name, names)
    hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(names) or 'none'}"
    return ValidationError(f"unknown {kind} '{name}'", hint=hint, context={"kind": kind, "name": name})
