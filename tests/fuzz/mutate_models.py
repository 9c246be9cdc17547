"""Changes every algorithm's model and asks it: python tests/fuzz/mutate_models.py [mutations] [name ...].

Each algorithm's artifacts and manifest are changed 2,000 times (`make fuzz-models`), vouched for anew, loaded
and asked, in confined children. Whatever a change does, the caller gets an answer or one error: a traceback
here, or a signal that reaches the caller, ends the run with exit code 1.
"""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import PmlError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle import isolation
from pmlcli.lifecycle.model import Model
from pmlcli.store.artifacts import seal
from pmlcli.store.directory import ModelFiles, Seal
from pmlcli.store.manifest import parse
from tests.contract.cases import events_for, is_installed, trained

MUTATIONS = 2000
BATCH = 50
REQUEST = PredictRequest(cases="all")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A trained model as bytes, and a log to ask about (None: a forecaster goes on from its training)."""

    name: str
    manifest: bytes
    files: dict[str, bytes]
    log: EventLog | None


def subject(name: str) -> Subject:
    """The algorithm trained on its contract log."""
    model = trained(name)
    log = read_log(events_for(name, seed=1)[:60]) if model.algorithm.task.needs_log else None
    return Subject(name, seal(model.manifest_fields, model.files), dict(model.files), log)


def mutations(found: Subject, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """(file, its changed bytes); every file in turn, the manifest among them."""
    generator = random.Random(seed)
    names = ["manifest.json", *sorted(found.files)]
    for number in range(count):
        name = names[number % len(names)]
        data = found.manifest if name == "manifest.json" else found.files[name]
        yield name, mutated(data, generator)


def mutated(data: bytes, generator: random.Random) -> bytes:
    """A few bytes changed, a number replaced by an extreme one, a piece left out, repeated or cut off."""
    changed = bytearray(data)
    how = generator.randrange(6)
    if how == 0 and data:
        start = generator.randrange(len(data))
        return bytes(changed[:start] + changed[start + generator.randrange(1, 40) :])
    if how == 1 and data:
        start = generator.randrange(len(data))
        return bytes(changed[:start] + changed[start : start + 20] + changed[start:])
    if how == 2:
        digits = [i for i, byte in enumerate(data[:20_000]) if chr(byte).isdigit()]
        if digits:
            at = generator.choice(digits)
            number = generator.choice(["-1", "0", "99", "2147483648", "1e308", "9" * 30, '"x"', "[]", "null"])
            return bytes(changed[:at] + number.encode() + changed[at + 1 :])
    for _ in range(generator.choice([1, 1, 2, 4, 16])):
        if changed:
            changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def outcome(found: Subject, name: str, data: bytes) -> str:
    """What becomes of the model with this one file changed and vouched for."""
    try:
        manifest, files = found.manifest, dict(found.files)
        if name == "manifest.json":
            manifest = data
        else:
            files[name] = data
        model = Model.from_stored(ModelFiles(Seal(parse(manifest), manifest, None), files), trusted=True)
        if model.algorithm.task.needs_log and found.log is None:
            return "refused"
        model.predict(found.log, request=REQUEST)
        model.replay()
    except PmlError:
        return "refused"
    except Exception as error:  # noqa: BLE001 (what the fuzzer is looking for)
        return f"traceback: {type(error).__name__}: {error}"
    return "answered"


def run(found: Subject, count: int) -> Counter[str]:
    """How many mutations ended how; a child that died is asked again change by change."""
    outcomes: Counter[str] = Counter()
    changes = list(mutations(found, count))
    for start in range(0, count, BATCH):
        batch = changes[start : start + BATCH]
        for found_outcome in asked(found, batch):
            outcomes[found_outcome] += 1
    return outcomes


def asked(found: Subject, batch: list[tuple[str, bytes]]) -> list[str]:
    """The outcomes of a batch, from one child; from one each when that child did not come back."""

    def work() -> dict[str, bytes]:
        warnings.simplefilter("ignore")
        return {"outcomes.json": json.dumps([outcome(found, *change) for change in batch]).encode()}

    limits = isolation.limits_for(events=100, files=found.files)
    try:
        return list(json.loads(isolation.ask(work, limits, nullcontext())["outcomes.json"]))
    except PmlError as error:
        if len(batch) == 1:
            return [f"stopped ({error.code})"]
    return [result for change in batch for result in asked(found, [change])]


def ended_by_signal(number: int, _frame: FrameType | None) -> NoReturn:
    """A run that is told to stop says so: a run without a last line was killed."""
    raise SystemExit(f"ended by {signal.Signals(number).name}")


def main(arguments: list[str]) -> int:
    """Prints a line an algorithm; 1 when anything but an answer, a refusal or a stopped child was seen."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, ended_by_signal)
    count = int(arguments[0]) if arguments else MUTATIONS
    names = arguments[1:] or [name for name in registry.names() if is_installed(name)]
    failed, total = False, 0
    for name in names:
        started = time.monotonic()
        outcomes = run(subject(name), count)
        told = ", ".join(f"{number} {what}" for what, number in outcomes.most_common())
        sys.stdout.write(f"{name}: {told} ({time.monotonic() - started:.0f} s)\n")
        sys.stdout.flush()
        total += outcomes.total()
        failed |= any(what.startswith("traceback") for what in outcomes)
    verdict = "FAILED" if failed else "nothing found"
    sys.stdout.write(f"{total} changes of {len(names)} algorithms: {verdict}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
