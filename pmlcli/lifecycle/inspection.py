"""A model's card: what the manifest says, in the order people ask. Imports no numeric library."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pmlcli import registry
from pmlcli.errors import PersistenceError, ValidationError
from pmlcli.store import signing, strictjson
from pmlcli.store.directory import Seal, compare, read_artifact

DAMAGED = "damaged"
THRESHOLD_FILE = "threshold.json"
"""What was found on held-out cases: a threshold, say, or how honest probabilities are."""
MOST_SHOWN_BYTES = 65_536


def inspect_model(path: Path | str) -> dict[str, Any]:
    """The card of the model at `path`, JSON-plain: manifest, root digest, parameters with their meaning.

    `calibration` is the content of `threshold.json`, None if it is too long or damaged. Other artifacts are
    hashed but not parsed; `findings` lists what differs from the manifest. `signature` is none, not checked,
    or damaged. Raises a PersistenceError when there is no model.
    """
    seal, difference = compare(path, contents=True)
    manifest = asdict(seal.manifest)
    manifest["artifacts"] = [asdict(record) for record in seal.manifest.artifacts]
    return {
        **manifest,
        "path": str(path),
        "root_digest": seal.root_digest,
        "signature": _signature(seal),
        "summary": _summary(seal.manifest.model_type),
        "parameters": _parameters(seal.manifest.model_type, manifest["hyperparameters"]),
        "calibration": _calibration(path),
        "findings": [finding.to_dict() for finding in difference.findings],
    }


def _signature(seal: Seal) -> str:
    if seal.signature is None:
        return "none"
    damage = signing.damage(seal.manifest_bytes, seal.signature)
    return "not checked" if damage is None else f"{DAMAGED}: {damage}"


def _calibration(path: Path | str) -> dict[str, Any] | None:
    try:
        data = read_artifact(path, THRESHOLD_FILE, most_bytes=MOST_SHOWN_BYTES)
        found = None if data is None else strictjson.parse(data, source=THRESHOLD_FILE, max_bytes=len(data))
    except PersistenceError:
        return None  # `findings`, or `verify`, say what is wrong with it
    return found if isinstance(found, dict) else None


def _summary(model_type: str) -> str:
    try:
        return registry.card(model_type).summary
    except ValidationError:
        return "an algorithm that is not installed here"


def _parameters(model_type: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Each parameter's value, default and help; those of an unknown algorithm without the last two."""
    try:
        cards = {parameter.name: parameter for parameter in registry.card(model_type).parameters}
    except ValidationError:
        cards = {}
    return [
        {
            "name": name,
            "value": value,
            "default": cards[name].default if name in cards else None,
            "help": cards[name].help if name in cards else "",
        }
        for name, value in values.items()
    ]
