"""What the caller decides for a run: threads, jobs and progress. The lowest layer, beside the errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")

ProgressSink = Callable[[str, int, int | None], None]
"""Called with (label, steps done, steps in all or None)."""

_threads: ContextVar[int] = ContextVar("threads", default=1)
_jobs: ContextVar[int] = ContextVar("jobs", default=1)
_sink: ContextVar[ProgressSink | None] = ContextVar("progress", default=None)


def threads() -> int:
    """How many threads numeric libraries may use; 1 unless the caller says otherwise."""
    return _threads.get()


@contextmanager
def use(*, threads: int = 1, progress: ProgressSink | None = None) -> Iterator[None]:
    """Sets threads and the progress sink for the code inside."""
    tokens = _threads.set(threads), _sink.set(progress)
    try:
        yield
    finally:
        _threads.reset(tokens[0])
        _sink.reset(tokens[1])


@contextmanager
def use_jobs(jobs: int) -> Iterator[None]:
    """Sets how many processes `spread` may use for the code inside."""
    token = _jobs.set(jobs)
    try:
        yield
    finally:
        _jobs.reset(token)


@contextmanager
def use_threads(threads: int) -> Iterator[None]:
    """Sets threads alone for the code inside; progress goes where it went."""
    with use(threads=threads, progress=_sink.get()):
        yield


def is_watched() -> bool:
    """Whether anybody is told of progress."""
    return _sink.get() is not None


def report(label: str, done: int, total: int | None) -> None:
    """Tells whoever watches of one step."""
    sink = _sink.get()
    if sink is not None:
        sink(label, done, total)


@contextmanager
def stage(label: str) -> Iterator[None]:
    """Tells whoever watches that one piece of work of unknown length begins, and that it is over."""
    report(label, 0, 1)
    try:
        yield
    finally:
        report(label, 1, 1)


def track(steps: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """The same steps, each reported to whoever watches; silent when nobody does."""
    sink = _sink.get()
    for done, step in enumerate(steps):
        if sink is not None:
            sink(label, done, total)
        yield step
    if sink is not None and total is not None:
        sink(label, total, total)


def spread(function: Callable[[T], R], items: Sequence[T], label: str) -> list[R]:
    """`function` of each item, in order, in as many processes as `use_jobs` allows; the same with any number.

    Function, items and results are pickled when there is more than one process.
    """
    jobs = min(_jobs.get(), len(items))
    if jobs <= 1:
        return [function(item) for item in track(items, label, len(items))]
    # Only runs with more than one job need it.
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=threads()):
        tasks = (delayed(_limited)(function, item, threads()) for item in items)
        return list(track(Parallel(n_jobs=jobs, return_as="generator")(tasks), label, len(items)))


def _limited(function: Callable[[T], R], item: T, threads: int) -> R:
    with threadpool_limits(limits=threads):
        return function(item)
