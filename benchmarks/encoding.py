"""Event log to case profiles: pmlcli beside pm4py's `extract_features_dataframe`, in one run on one log.

    OMP_NUM_THREADS=1 python benchmarks/encoding.py > benchmarks/results/encoding.txt

Both start from a log in memory and make one row a case. pmlcli's profile counts activities, directly-follows
pairs and resources, and has durations, gaps, handovers and rarities besides. pm4py makes two tables: of a
frame it counts activities and resources alone (asked for directly-follows pairs, it leaves them out without
a word), of its own EventLog it says which activities, resources and pairs occur. The second takes memory and
time, so it gets a tenth of the log, and pmlcli the same tenth beside it. Needs pm4py (extra `discovery`).
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    import pm4py  # prints a banner when it is imported

from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureExtractor
from pmlcli.eventlog import EventLog, read_log

ACTIVITIES = [f"Activity {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
RESOURCES = [f"Resource {i:02d}" for i in range(40)]
EVENTS_A_CASE = 10
REPEATS = 3


def make_frame(events: int) -> pd.DataFrame:
    """A process of 20 activities in which each is followed by one of four, with 40 resources."""
    rng = np.random.Generator(np.random.PCG64(0))
    cases = events // EVENTS_A_CASE
    followers = rng.integers(len(ACTIVITIES), size=(len(ACTIVITIES), 4))
    activity = np.zeros((cases, EVENTS_A_CASE), dtype=np.int64)
    for step in range(1, EVENTS_A_CASE):
        activity[:, step] = followers[activity[:, step - 1], rng.choice(4, cases, p=[0.7, 0.2, 0.08, 0.02])]
    gaps = rng.exponential(3600e6, size=activity.shape).astype(np.int64)
    starts = np.sort(rng.integers(0, 365 * 86400 * 10**6, cases))
    times = np.cumsum(gaps, axis=1) + starts[:, None] + 1_700_000_000 * 10**6
    return pd.DataFrame(
        {
            "case:concept:name": np.repeat([f"case {i}" for i in range(cases)], EVENTS_A_CASE),
            "concept:name": np.array(ACTIVITIES, dtype=object)[activity.reshape(-1)],
            "time:timestamp": pd.DatetimeIndex(times.reshape(-1).astype("datetime64[us]"), tz="UTC"),
            "org:resource": np.array(RESOURCES, dtype=object)[
                rng.integers(len(RESOURCES), size=activity.size)
            ],
        }
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """pm4py's banners, progress bars and deprecation notes go nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The fastest of some runs in seconds, and its result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begin)
    return best, result


def profiles(log: EventLog) -> CaseFeatures:
    """Fitted on the log and applied to it."""
    return FeatureExtractor().fit(log).transform(log)


def pm4py_features(log: Any) -> pd.DataFrame:
    """Activities, resources and (of an EventLog only) directly-follows pairs by pm4py."""
    with quiet():
        return pm4py.extract_features_dataframe(
            log,
            str_tr_attr=[],
            num_tr_attr=[],
            str_ev_attr=["concept:name", "org:resource"],
            num_ev_attr=[],
            str_evsucc_attr=["concept:name"],
            case_id_key="case:concept:name" if isinstance(log, pd.DataFrame) else None,
            count_occurrences=True,
        )


def show(name: str, seconds: float, shape: tuple[int, ...]) -> None:
    """One line of the table."""
    print(f"  {name:54}{seconds:8.2f} s   {shape[0]:>7,} x {shape[1]}")


def compare(frame: pd.DataFrame, *, with_event_log: bool) -> None:
    """Encodes one log every way and prints the lines and the ratios."""
    reading, log = timed(lambda: read_log(frame), 1)
    encoding, ours = timed(lambda: profiles(log), REPEATS)
    print(f"{log.n_events:,} events, {log.n_cases:,} cases")
    show("pmlcli: frame to EventLog", reading, frame.shape)
    show("pmlcli: EventLog to profiles, fit and transform", encoding, ours.matrix.shape)
    fitted = FeatureExtractor().fit(log)
    applying, ours = timed(lambda: fitted.transform(log), REPEATS)
    show("pmlcli: EventLog to profiles, transform alone", applying, ours.matrix.shape)
    seconds, theirs = timed(lambda: pm4py_features(frame), REPEATS)
    show("pm4py: frame to counts, no directly-follows pairs", seconds, theirs.shape)
    ratio = seconds / (reading + encoding)
    print(f"  pmlcli is {seconds / encoding:.1f} times as fast, {ratio:.1f} from the frame")
    with quiet():
        seconds, theirs = timed(lambda: pm4py.extract_features_dataframe(frame), 1)
    show("pm4py: frame to features, its defaults", seconds, theirs.shape)
    ratio = seconds / (reading + encoding)
    print(f"  pmlcli is {seconds / encoding:.1f} times as fast, {ratio:.1f} from the frame")
    if with_event_log:
        with quiet():
            converting, events = timed(lambda: pm4py.convert_to_event_log(frame), 1)
        seconds, theirs = timed(lambda: pm4py_features(events), 1)
        show("pm4py: frame to EventLog", converting, frame.shape)
        show("pm4py: EventLog to features, directly-follows pairs too", seconds, theirs.shape)
        ratio = (converting + seconds) / (reading + encoding)
        print(f"  pmlcli is {seconds / encoding:.0f} times as fast, {ratio:.0f} from the frame")
    print()


def main(events: int) -> None:
    """Prints the tables."""
    small = make_frame(1000)
    profiles(read_log(small))  # warm up
    pm4py_features(small)
    print(f"Log in memory to case profiles. Command: python benchmarks/encoding.py {events}")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"pm4py {pm4py.__version__}, {platform.machine()}, {os.cpu_count()} cores (shared), one thread; "
        f"best of {REPEATS}\n"
    )
    compare(make_frame(events), with_event_log=False)
    compare(make_frame(events // 10), with_event_log=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
