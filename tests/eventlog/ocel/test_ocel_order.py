"""The order in which an object-centric log lists events, objects and relations says nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.eventlog import EventLog, read_log
from tests.eventlog.ocel import test_ocel as ocel

Object = tuple[str, dict[str, int]]
Event = tuple[str, str, str, dict[str, str], list[str]]


def many(seed: int | None) -> tuple[dict[str, Object], list[Event]]:
    """Forty events about eight orders and four items; with a seed in another order."""
    objects: dict[str, Object] = {f"o{i}": ("order", {"price": i}) for i in range(8)}
    objects |= {f"i{i}": ("item", {}) for i in range(4)}
    begin = pd.Timestamp("2024-01-01")
    events: list[Event] = [
        (
            f"e{i:02}",
            ("place", "pick", "send")[i % 3],
            f"{begin + pd.Timedelta(hours=7 * i):%Y-%m-%dT%H:%M:%S}Z",
            {"who": f"p{i % 5}"},
            [f"o{i % 8}", f"i{i % 4}", f"o{(i * 3) % 8}", f"i{(i + 1) % 4}"][: 2 + i % 3],
        )
        for i in range(40)
    ]
    events = [(e, a, t, v, list(dict.fromkeys(o))) for e, a, t, v, o in events]
    if seed is None:
        return objects, events
    rng = np.random.Generator(np.random.PCG64(seed))
    keys, places = list(objects), rng.permutation(len(events)).tolist()
    rng.shuffle(keys)
    related = [[objects_of[j] for j in rng.permutation(len(objects_of))] for *_, objects_of in events]
    return {k: objects[k] for k in keys}, [(*events[i][:4], related[i]) for i in places]  # type: ignore[misc]


def csv_of(path: Path) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        kinds = ("ocel:type:order", "ocel:type:item")
        table.writerow(["ocel:eid", "ocel:activity", "ocel:timestamp", "who", *kinds])
        for event, activity, time, values, objects in ocel.EVENTS:
            of_type = [repr([o for o in objects if o[0] == kind]) for kind in "oi"]
            table.writerow([event, activity, time, values["who"], *of_type])


def read(form: str, place: Path, kind: str) -> EventLog:
    place.mkdir()
    path = place / "log"
    if form == "csv":
        csv_of(path)
        return read_log(path, object_type=kind, format="ocel-csv")
    data = ocel.sqlite_2(place / "db") if form == "sqlite_2" else getattr(ocel, form)().encode()
    path.write_bytes(data)
    return read_log(path, object_type=kind)


@pytest.mark.parametrize("kind", ["order", "item"])
@pytest.mark.parametrize("form", [*ocel.FORMS, "csv"])
def test_shuffled_events_and_objects_are_the_same_log(
    form: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = []
    for seed in (None, 1, 2):
        objects, events = many(seed)
        monkeypatch.setattr(ocel, "OBJECTS", objects)
        monkeypatch.setattr(ocel, "EVENTS", events)
        logs.append(read(form, tmp_path / str(seed), kind))
    for other in logs[1:]:
        pd.testing.assert_frame_equal(logs[0].frame[sorted(logs[0].frame)], other.frame[sorted(other.frame)])
        assert (logs[0].offsets == other.offsets).all()
        assert logs[0].activities == other.activities
    assert logs[0].n_cases == (8 if kind == "order" else 4)
    assert (np.diff(logs[0].starts) >= 0).all()
