"""Publication under faults: each call killed or failing, power cuts, and writers against readers."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import BusyError, OutputError, PersistenceError
from pmlcli.store import fsio
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import read_model
from pmlcli.store.publish import write_file

OLD = {"model.json": b"old" * 50, "gone.json": b"{}"}
NEW = {"model.json": b"new" * 70, "threshold.json": b"1"}
Fields = dict[str, Any]
# What cannot be swept away under a fault is warned of, and no failure.
pytestmark = pytest.mark.filterwarnings("ignore::pmlcli.errors.PmlWarning")


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


class Killed(BaseException):
    """The process ended here; as after SIGKILL nothing it does later reaches the disk."""


def killed_at(number: int) -> Callable[..., Any]:
    count = 0

    def intercept(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        if count >= number:
            raise Killed
        return call()

    return intercept


def failing_at(number: int, code: int) -> Callable[..., Any]:
    count = 0

    def intercept(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        if count == number:
            raise OSError(code, os.strerror(code))
        return call()

    return intercept


FAULTS: dict[str, Callable[[int], Callable[..., Any]]] = {
    "killed": killed_at,
    "full": lambda number: failing_at(number, errno.ENOSPC),
    "broken": lambda number: failing_at(number, errno.EIO),
}


def unsupported_then(inner: Callable[..., Any]) -> Callable[..., Any]:
    def intercept(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("exchange", "rename_new"):
            call = lambda: (_ for _ in ()).throw(OSError(errno.EINVAL, "not here"))  # noqa: E731
        return inner(name, args, call)

    return intercept


def calls_of(action: Callable[[], object], wrap: Callable[..., Any]) -> int:
    """How many calls the undisturbed action makes."""
    count = 0

    def counting(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        return call()

    fsio.intercept = wrap(counting)
    try:
        action()
    finally:
        fsio.intercept = None
    return count


def model_at(path: Path) -> dict[str, bytes] | None:
    try:
        return dict(read_model(path).files)
    except PersistenceError as error:
        assert error.code == "model.absent", error
        return None


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("replace", [False, True], ids=["fresh", "replace"])
@pytest.mark.parametrize("fallback", [False, True], ids=["exchange", "fallback"])
def test_every_call_of_a_publication(
    tmp_path: Path, manifest_fields: Fields, fault: str, replace: bool, fallback: bool
) -> None:
    store = ArtifactStore()
    wrap = unsupported_then if fallback else (lambda inner: inner)

    def prepare(path: Path) -> Path:
        path.mkdir()
        if replace:
            store.save(path / "m", manifest_fields, OLD)
        return path / "m"

    def act(path: Path) -> None:
        store.save(path, manifest_fields, NEW, force=replace)

    sample = prepare(tmp_path / "count")
    steps = calls_of(lambda: act(sample), wrap)
    assert steps > 25
    before = OLD if replace else None
    for number in range(1, steps + 1):
        path = prepare(tmp_path / str(number))
        fsio.intercept = wrap(FAULTS[fault](number))
        try:
            act(path)
        except (Killed, OutputError, BusyError):
            pass
        else:
            assert model_at_without_faults(path) == NEW
        finally:
            fsio.intercept = None
        assert model_at(path) in (before, NEW), number
        store.save(path, manifest_fields, OLD, force=True)
        assert model_at(path) == OLD
        assert listing(path.parent) == ["m"], number


def model_at_without_faults(path: Path) -> dict[str, bytes] | None:
    fsio.intercept = None
    return model_at(path)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("replace", [False, True], ids=["fresh", "replace"])
def test_every_call_of_writing_a_file(tmp_path: Path, fault: str, replace: bool) -> None:
    def prepare(path: Path) -> Path:
        path.mkdir()
        if replace:
            (path / "out.csv").write_bytes(b"old")
        return path / "out.csv"

    sample = prepare(tmp_path / "count")
    steps = calls_of(lambda: write_file(sample, [b"n", b"ew"], force=True), lambda inner: inner)
    for number in range(1, steps + 1):
        path = prepare(tmp_path / str(number))
        fsio.intercept = FAULTS[fault](number)
        try:
            write_file(path, [b"n", b"ew"], force=True)
        except (Killed, OutputError):
            pass
        finally:
            fsio.intercept = None
        found = path.read_bytes() if path.exists() else None
        assert found in (b"old" if replace else None, b"new"), number
        write_file(path, b"last", force=True)
        assert listing(path.parent) == ["out.csv"], number


# --- power cuts -------------------------------------------------------------------------------------


class Node:
    """A file (bytes) or directory (dict of names), as it is now and as the disk surely has it."""

    def __init__(self, now: Any) -> None:
        self.now = now
        self.durable: Any = type(now)()


class Disk:
    """A model of a disk that loses, at a power cut, whatever was not synced."""

    def __init__(self, root: Path) -> None:
        self.open: dict[int, Node] = {}
        self.root = self._load(root)

    def _load(self, path: Path) -> Node:
        if path.is_file():
            node = Node(path.read_bytes())
        else:
            node = Node({entry.name: self._load(entry) for entry in path.iterdir()})
        node.durable = node.now.copy() if isinstance(node.now, dict) else node.now
        return node

    def apply(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        if name == "open_path":
            self.open[result] = self.root
        elif name in ("create", "make_lock", "open_lock"):
            self.open[result] = self.open[args[1]].now.setdefault(args[0], Node(b""))
        elif name == "open_directory":
            self.open[result] = self.open[args[1]].now[args[0]]
        elif name == "write":
            self.open[args[0]].now += bytes(args[1])[:result]
        elif name == "sync":
            node = self.open[args[0]]
            node.durable = node.now.copy() if isinstance(node.now, dict) else node.now
        elif name == "make_directory":
            self.open[args[1]].now[args[0]] = Node({})
        elif name in ("rename", "rename_new"):
            entries = self.open[args[2]].now
            entries[args[1]] = entries.pop(args[0])
        elif name == "exchange":
            entries = self.open[args[2]].now
            entries[args[0]], entries[args[1]] = entries[args[1]], entries[args[0]]
        elif name in ("unlink", "remove_directory"):
            del self.open[args[1]].now[args[0]]

    def directories(self) -> list[Node]:
        found: list[Node] = []
        pending = [self.root]
        while pending:
            node = pending.pop()
            if isinstance(node.now, dict) and node not in found:
                found.append(node)
                pending += [*node.now.values(), *node.durable.values()]
        return [node for node in found if node.now != node.durable]

    def states(self) -> Iterator[dict[str, Any]]:
        """What may be found after a power cut now: unsynced content cut, unsynced entries lost or kept."""
        unsynced = self.directories()
        lost_sets = [[], unsynced, *([node] for node in unsynced)]
        lost_sets += [[other for other in unsynced if other is not node] for node in unsynced]
        for lost in lost_sets:
            for share in (0.0, 0.5, 1.0):
                yield self._state(self.root, lost, share)

    def _state(self, node: Node, lost: list[Node], share: float) -> Any:
        if isinstance(node.now, bytes):
            kept = len(node.durable)
            return node.now[: kept + int((len(node.now) - kept) * share)]
        entries = node.durable if any(node is other for other in lost) else node.now
        return {name: self._state(child, lost, share) for name, child in entries.items()}


def record(action: Callable[[], object]) -> list[tuple[str, tuple[Any, ...], Any]]:
    calls: list[tuple[str, tuple[Any, ...], Any]] = []

    def recording(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        result = call()
        kept = (args[0], bytes(args[1])) if name == "write" else args
        calls.append((name, kept, result))
        return result

    fsio.intercept = recording
    try:
        action()
    finally:
        fsio.intercept = None
    return calls


def write_state(path: Path, state: dict[str, Any]) -> None:
    path.mkdir()
    for name, content in state.items():
        if isinstance(content, dict):
            write_state(path / name, content)
        else:
            (path / name).write_bytes(content)


def outcomes(
    scratch: Path, initial: Path, calls: list[tuple[str, tuple[Any, ...], Any]]
) -> tuple[set[str], set[str]]:
    """What readers may find after a power cut at any point, and after one at the end."""
    disk = Disk(initial)
    known: dict[str, str] = {}

    def judge(state: dict[str, Any]) -> str:
        key = repr(state.get("m"))
        if key not in known:
            path = scratch / str(len(known))
            write_state(path, {"m": state["m"]} if "m" in state else {})
            try:
                files = model_at(path / "m")
                known[key] = {repr(None): "none", repr(OLD): "old", repr(NEW): "new"}[
                    repr(sorted_files(files))
                ]
            except (AssertionError, KeyError):
                known[key] = "broken"
        return known[key]

    anywhere: set[str] = set()
    for name, args, result in calls:
        anywhere |= {judge(state) for state in disk.states()}
        disk.apply(name, args, result)
    at_end = {judge(state) for state in disk.states()}
    return anywhere | at_end, at_end


def sorted_files(files: dict[str, bytes] | None) -> dict[str, bytes] | None:
    for expected in (OLD, NEW):
        if files == expected:
            return expected
    return files


@pytest.fixture(params=[False, True], ids=["fresh", "replace"])
def recorded(
    request: pytest.FixtureRequest, tmp_path: Path, manifest_fields: Fields
) -> tuple[Path, list[tuple[str, tuple[Any, ...], Any]], str]:
    """A copy of the parent before a publication, the calls it made, and what was there before."""
    store = ArtifactStore()
    for parent in ("before", "work"):
        (tmp_path / parent).mkdir()
        if request.param:
            store.save(tmp_path / parent / "m", manifest_fields, OLD)
    calls = record(lambda: store.save(tmp_path / "work/m", manifest_fields, NEW, force=True))
    return tmp_path / "before", calls, "old" if request.param else "none"


def test_power_cut_leaves_old_or_new(tmp_path: Path, recorded: Any) -> None:
    initial, calls, before = recorded
    (tmp_path / "scratch").mkdir()
    anywhere, at_end = outcomes(tmp_path / "scratch", initial, calls)
    assert anywhere == {before, "new"}
    assert at_end == {"new"}


def test_power_cut_test_notices_every_missing_sync(tmp_path: Path, recorded: Any) -> None:
    initial, calls, before = recorded
    syncs = [index for index, (name, _, _) in enumerate(calls) if name == "sync"]
    assert len(syncs) == 6  # two artifacts, artifacts/, the manifest, the model, the parent
    for index in syncs:
        scratch = tmp_path / f"without-{index}"
        scratch.mkdir()
        anywhere, at_end = outcomes(scratch, initial, calls[:index] + calls[index + 1 :])
        assert "broken" in anywhere or at_end != {"new"}, index


# --- writers, killed writers and readers ------------------------------------------------------------

WRITER = """
import sys, json
from pmlcli.errors import BusyError
from pmlcli.store.artifacts import ArtifactStore
fields = json.loads(sys.argv[2])
number = 0
while True:
    number += 1
    files = {"model.json": b"%d" % number * 2000, "threshold.json": b"%d" % number}
    try:
        ArtifactStore().save(sys.argv[1], fields, files, force=True, wait_seconds=1)
    except BusyError:
        pass
"""


def test_readers_never_fail_while_writers_write_and_die(tmp_path: Path, manifest_fields: Fields) -> None:
    seconds = float(os.environ.get("PMLCLI_SOAK_SECONDS", "3"))
    path = tmp_path / "m"
    ArtifactStore().save(path, manifest_fields, {"model.json": b"0" * 2000, "threshold.json": b"0"})

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(path), json.dumps(manifest_fields)])

    writers = [start(), start()]
    reads = 0
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            files = read_model(path).files
            assert files["model.json"] == files["threshold.json"] * 2000
            reads += 1
            if reads % 300 == 0:
                writers[0].kill()
                writers[0].wait()
                writers[0] = start()
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
    assert reads > 50
    ArtifactStore().save(path, manifest_fields, NEW, force=True)
    assert listing(tmp_path) == ["m"]


# --- a disk that is really full ---------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where this machine lets us mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a tmpfs")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_full_disk_leaves_the_old_model(small_disk: Path, manifest_fields: Fields) -> None:
    path = small_disk / "m"
    ArtifactStore().save(path, manifest_fields, OLD)
    with pytest.raises(OutputError, match="No space left") as caught:
        ArtifactStore().save(path, manifest_fields, {"model.json": b"x" * 2_000_000}, force=True)
    assert caught.value.exit_code == 74
    assert model_at(path) == OLD
    assert listing(small_disk) == ["m"]
    ArtifactStore().save(path, manifest_fields, {"model.json": b"x" * 500_000}, force=True)
    with pytest.raises(OutputError, match="No space left"):
        write_file(small_disk / "out.csv", (b"x" * 100_000 for _ in range(20)))
    assert listing(small_disk) == ["m"]
