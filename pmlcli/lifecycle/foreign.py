"""Whether a log is of the process that a model learned, by the share of events whose activity is new."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError, UntrustedArtifactError
from pmlcli.eventlog.log import MISSING, EventLog
from pmlcli.eventlog.lookalike import lookalikes
from pmlcli.eventlog.lookalike import told as lookalike_told
from pmlcli.lifecycle.artifacts import REFERENCE_FILE, reference_json
from pmlcli.lifecycle.kinds import EXAMPLES

MANY, MOST = 0.05, 0.5
"""From which share of events on a log is warned of, and above which it is refused."""


def known_activities(files: Mapping[str, bytes]) -> frozenset[str]:
    """The activities of the training log, long ones as digests: all, whatever the encoding looks at.

    UntrustedArtifactError for what no training writes.
    """
    return activities_in(reference_json(files))


def activities_in(reference: Mapping[str, Any]) -> frozenset[str]:
    """The same of `reference_json`."""
    counts = reference.get("activities")
    if not isinstance(counts, dict) or not counts or not all(type(n) is int for n in counts.values()):
        raise UntrustedArtifactError(
            f"{REFERENCE_FILE}: the activities of the training log are malformed",
            hint="train the model again",
        )
    return frozenset(counts)


def digest_of(name: str) -> str:
    """What a long name is kept as."""
    return f"sha256:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def are_new(names: Sequence[str], known: Collection[str]) -> NDArray[np.bool_]:
    """Which activities are none of the known, (names,)."""
    return np.array([name not in known and digest_of(name) not in known for name in names], dtype=np.bool_)


def check_process(log: EventLog, known: Collection[str], *, allow: bool) -> str | None:
    """What to warn of, where 5 % of the events or more have an activity that training never saw.

    Raises LogError where these are more than half, unless they are allowed.
    """
    counts = np.bincount(log.activity_codes[log.activity_codes != MISSING], minlength=len(log.activities))
    occurring = counts > 0
    new = np.flatnonzero(are_new(log.activities, known) & occurring)
    events = int(counts[new].sum())
    share = events / log.n_events
    if share < MANY:
        return None
    examples = [log.activities[i] for i in new[np.argsort(-counts[new], kind="stable")][:EXAMPLES]]
    told = (
        f"{len(new):,} of {int(occurring.sum()):,} activities are new ({', '.join(map(repr, examples))}), "
        f"{events:,} of {log.n_events:,} events"
    )
    similar = lookalikes((log.activities[i] for i in new), known)
    told += f": {lookalike_told(similar)}" if similar else ""
    if share > MOST and not allow:
        raise LogError(
            f"{log.source.name}: this is another process: {told}",
            code="log.foreign",
            hint="predict for a log of the process that the model was trained on; "
            "--foreign allow predicts all the same",
            context={"activities": len(new), "events": events, "share": share, "examples": examples},
        )
    what = "this is another process" if share > MOST else "the process may have changed"
    return f"{log.source.name}: {what}: {told}"
