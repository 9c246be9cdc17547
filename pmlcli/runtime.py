"""What the caller decides for a run: threads, jobs, progress, time. The lowest layer, beside the errors."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")

ProgressSink = Callable[[str, int, int | None], None]
"""Called with (label, steps done, steps in all or None)."""

Clock = Callable[[], float]
"""Seconds since any moment; it never goes back."""


class Stop(NamedTuple):
    """What a training left out for lack of time, and after how many seconds."""

    what: str
    after_seconds: float


@dataclass
class Deadline:
    """How long a run may take, and what was left out because of it.

    It begins when it is made. Whoever works in steps looks at it between two of them, and says what it leaves
    out (`stop`); nobody is interrupted. Tests give a `clock` of their own.
    """

    seconds: float = math.inf
    clock: Clock = time.monotonic
    began: float = math.nan
    stops: list[Stop] = field(default_factory=list)

    def __post_init__(self) -> None:
        if math.isnan(self.began):
            self.began = self.clock()

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return math.isfinite(self.seconds)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds until it is over; negative after that."""
        return self.seconds - self.elapsed if self.is_limited else math.inf

    @property
    def is_over(self) -> bool:
        """Whether nothing more should be begun."""
        return self.left <= 0

    def part(self, share: float) -> Deadline:
        """One that is over after this share of the time that is left; what it stops is noted in both."""
        if not self.is_limited:
            return self
        until = self.elapsed + share * max(self.left, 0.0)
        return Deadline(until, self.clock, self.began, self.stops)

    def stop(self, what: str) -> None:
        """Notes, once, what is left out for lack of time."""
        if what not in [one.what for one in self.stops]:
            self.stops.append(Stop(what, self.elapsed))


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
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


def deadline() -> Deadline:
    """How long the code that runs may take; one without a limit unless the caller set one."""
    return _deadline.get() or Deadline()


@contextmanager
def use_deadline(limit: Deadline) -> Iterator[None]:
    """Sets how long the code inside may take."""
    token = _deadline.set(limit)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def use_part_of_time(share: float) -> Iterator[None]:
    """Leaves the code inside this share of the time that there is: something else comes after it."""
    with use_deadline(deadline().part(share)):
        yield


def in_time(steps: Iterable[T], left_out: Callable[[int], str]) -> Iterator[T]:
    """The first of these steps, and the others as long as there is time.

    `left_out` says, by the number of steps taken, what is left out where it is over.
    """
    limit = deadline()
    for done, step in enumerate(steps):
        if done and limit.is_over:
            limit.stop(left_out(done))
            return
        yield step


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
        limit = deadline()
        tasks = (delayed(_limited)(function, item, threads(), limit) for item in items)
        found = list(track(Parallel(n_jobs=jobs, return_as="generator")(tasks), label, len(items)))
    for stop in [stop for _result, stops in found for stop in stops]:
        limit.stop(stop.what)
    return [result for result, _stops in found]


def _limited(function: Callable[[T], R], item: T, threads: int, limit: Deadline) -> tuple[R, list[Stop]]:
    """Its result, and what it left out: the caller's deadline is another process's."""
    with threadpool_limits(limits=threads), use_deadline(limit):
        return function(item), limit.stops
