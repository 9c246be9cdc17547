"""How often `pmlcli train --replace-if` takes an equal, a better and a worse model.

    OMP_NUM_THREADS=1 python benchmarks/replacing.py [--repetitions N] [-o FILE]

A simulated process that stays as it is. In each repetition a log of 600 cases is drawn, and the old model's
log ended when 480 of them had begun:

- `equal`: the old model learned as many cases of another draw from the same process
- `few cases`: the same, where the log ends after 60 new cases, of which many still run
- `new spoiled`: the first 480 cases are spoiled, and the new model is judged by what it learned of them: in
  four of five events the activity is another, and waits are five times as long; the old model is sound
- `old spoiled`: the old model learned the spoiled cases, the new one the sound ones

Told is how often the new model took the place, and how often nothing was decided, as too few new cases had a
known truth; the old model is kept then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from _result import tell
from monitoring import simulated

from pmlcli.eventlog import EventLog, ReadOptions, read_log
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.replacing import RULES, as_of, decide
from pmlcli.lifecycle.unchanged import Recipe

ALGORITHMS = ("next-activity/ngram", "remaining-time/median")
KNOWN, NEW, FEW = 480, 120, 60
SLOWER, WRONG = 5, 0.8
UNDECIDED = "undecided"


def spoiled(log: EventLog, rng: np.random.Generator) -> EventLog:
    """The log with most activities exchanged for any other, and longer waits."""
    frame = log.frame.assign(activity=log.frame["activity"].astype(str))
    is_wrong = rng.random(len(frame)) < WRONG
    frame.loc[is_wrong, "activity"] = rng.choice(log.activities, int(is_wrong.sum()))
    first = frame.groupby("case_id")["timestamp"].transform("min")
    return read_log(frame.assign(timestamp=first + SLOWER * (frame["timestamp"] - first)))


def with_history(history: EventLog, log: EventLog, since: int) -> EventLog:
    """The cases of `log` that began after that moment, and these before them."""
    late = np.repeat(log.starts > since, log.lengths)
    return read_log(pd.concat([history.frame, log.frame[late]], ignore_index=True))


def trained(name: str, log: EventLog, until: int) -> Model:
    """A model of these cases, which says that its log ended then."""
    model = Model(name)
    model.train(log)
    moment = pd.Timestamp(until, unit="us", tz="UTC").floor("s").isoformat().replace("+00:00", "Z")
    model.manifest_fields["training_log"]["until"] = moment
    return model


def once(name: str, seed: int) -> dict[tuple[str, str], bool]:
    """Whether the new model took the place, by situation and rule."""
    rng = np.random.default_rng(seed)
    log, another = (simulated(0, KNOWN + NEW, rng, extra=0.3) for _ in range(2))
    since = int(np.sort(log.starts)[KNOWN]) - 1
    sound, bad = as_of(log, since), spoiled(as_of(log, since), rng)
    equal = trained(name, as_of(another, int(np.sort(another.starts)[KNOWN]) - 1), since)
    few = as_of(log, int(np.sort(log.starts)[KNOWN + FEW]))
    pairs = {
        "equal": (log, equal),
        "few cases": (few, equal),
        "new spoiled": (with_history(bad, log, since), trained(name, sound, since)),
        "old spoiled": (log, trained(name, bad, since)),
    }
    found = {}
    for situation, (now, before) in pairs.items():
        made = decide(Recipe(Model(name), "log.csv", ReadOptions()), now, before, "not-worse")
        if not made.figures:
            raise SystemExit(f"{name}, {situation}: {made.because}")
        found[situation, "not-worse"] = made.is_replaced
        found[situation, "better"] = made.is_replaced and made.figures["verdict"] == "better"
        found[situation, UNDECIDED] = "verdict" not in made.figures
    return found


def main() -> None:
    """Counts, and says it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines = [
        f"python benchmarks/replacing.py --repetitions {options.repetitions}",
        f"The new model took the place of the old one, of {options.repetitions} repetitions:",
        "",
        f"{'':<24}{'situation':<18}" + "".join(f"{rule:>12}" for rule in (*RULES, UNDECIDED)),
    ]
    for name in ALGORITHMS:
        runs = [once(name, seed) for seed in range(options.repetitions)]
        for situation in dict.fromkeys(key for key, _rule in runs[0]):
            counts = [sum(run[situation, rule] for run in runs) for rule in (*RULES, UNDECIDED)]
            lines.append(f"{name:<24}{situation:<18}" + "".join(f"{count:>12}" for count in counts))
    tell(lines, options.output)


if __name__ == "__main__":
    main()
