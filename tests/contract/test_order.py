"""Anything whose order means something is kept as a list: the keys of a saved mapping come back sorted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pmlcli import registry
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.model import Model
from pmlcli.store.codecs import sklearn
from tests.contract.cases import is_installed, trained, untrained
from tests.contract.child import exact

every_algorithm = pytest.mark.parametrize("name", registry.names())
NUMBERED = re.compile(r"(.*\D)\d+")


def backwards(value: Any) -> Any:
    """The same value with the keys of every mapping in reverse order of the alphabet."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in sorted(value, reverse=True)}
    return [backwards(one) for one in value] if isinstance(value, list) else value


def rewritten(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A model's files with the keys of all their mappings backwards, XGBoost's own text left alone."""
    found = dict(files)
    for name, data in files.items():
        if name.endswith(".json"):
            found[name] = json.dumps(backwards(json.loads(data))).encode()
    state = sklearn.decode_plain(files[artifacts.ENCODING_FILE])
    return found | {artifacts.ENCODING_FILE: sklearn.encode_plain(backwards(state))}


def numbered_keys(value: Any, where: str) -> Iterator[str]:
    """Mappings that count their keys (`codes 0`, `codes 1`), arrays left out: those are read by name."""
    if isinstance(value, list):
        for one in value:
            yield from numbered_keys(one, where)
    if isinstance(value, dict):
        plain = {str(key): one for key, one in value.items() if not hasattr(one, "dtype")}
        stems = Counter(found[1] for key in plain if (found := NUMBERED.fullmatch(key)))
        yield from (f"{where}: {stem}0, {stem}1, ..." for stem, count in stems.items() if count > 1)
        for key, one in plain.items():
            yield from numbered_keys(one, f"{where}.{key}")


@every_algorithm
def test_a_model_whose_keys_stand_in_another_order_gives_the_same_answers(name: str) -> None:
    if not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")
    known = trained(name)
    state = replace(known.trained_state, algorithm=untrained(name).algorithm, learned=None)
    other = Model.from_state(replace(state, files=rewritten(known.files)))
    assert other.files != known.files
    assert exact(other, name) == exact(known, name)


@every_algorithm
def test_no_mapping_counts_its_keys(name: str) -> None:
    if not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")
    model = trained(name)
    asked = {"": model.algorithm, **model.algorithm.kept_members()}
    states = {f"state of {member or name}": one.state() for member, one in asked.items()}
    states["encoding"] = model.trained_state.fitted.encoding.state()
    states["calibration"] = model.trained_state.fitted.calibration
    assert [one for where, state in states.items() for one in numbered_keys(state, where)] == []
