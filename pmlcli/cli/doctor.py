"""`pmlcli doctor`: what is installed, what is missing for which algorithm, and what may be written where."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Mapping
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pmlcli
from pmlcli import registry
from pmlcli.cli import _config_file
from pmlcli.cli._options import CommonOptions
from pmlcli.cli.config import looked_at
from pmlcli.render.block import Block, Heading, Line, Pairs, Table

CORE = ("numpy", "pandas", "sklearn", "scipy", "statsmodels", "matplotlib", "rich", "typer")
EXTRAS = {
    "boost": ("xgboost",),
    "neural": ("torch", "safetensors"),
    "prophet": ("prophet",),
    "parquet": ("pyarrow",),
    "excel": ("openpyxl",),
    "sign": ("cryptography",),
    "report": ("resvg_py",),
    "discovery": ("pm4py",),
}
"""The modules that each extra brings."""
OTHER_USES = {
    "parquet": "Parquet files",
    "excel": "Excel workbooks",
    "sign": "signatures",
    "report": "figures of a report as PNG",
    "discovery": "discovering process models",
}


def doctor(common: CommonOptions) -> None:
    """Say what is installed, what is missing for what, and where settings come from.

    Also which places can be written to. Ends with exit code 0 whatever it finds.
    """
    with common.session() as session:
        known = packages_distributions()
        document = {
            "pmlcli": pmlcli.__version__,
            "place": str(Path(pmlcli.__file__).parent),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "libraries": [_library(module, known) for module in CORE],
            "extras": [_extra(name, known) for name in EXTRAS],
            "confinement": _confinement(),
            "places": _places(),
            "settings": looked_at(common),
        }
        session.result("doctor", document, lambda: _shown(document))


def _library(module: str, known: Mapping[str, list[str]]) -> dict[str, Any]:
    """Its version as it is installed; None where it is missing. `known`: the distributions of each module."""
    if not _is_there(module):
        return {"module": module, "version": None}
    distributions = known.get(module, [])
    return {"module": module, "version": version(distributions[0]) if distributions else "unknown"}


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _extra(name: str, known: Mapping[str, list[str]]) -> dict[str, Any]:
    libraries = [_library(module, known) for module in EXTRAS[name]]
    needing = [one for one in registry.names() if name in (registry.card(one).extra or "").split(",")]
    return {
        "extra": name,
        "is_installed": all(library["version"] for library in libraries),
        "libraries": libraries,
        "algorithms": needing,
        "also": OTHER_USES.get(name),
    }


def _confinement() -> str:
    """How models are asked on the command line."""
    return "forked child" if hasattr(os, "fork") else "new interpreter"


def _places() -> list[dict[str, Any]]:
    own = _config_file.own_path()
    places = {"working directory": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}
    found = [
        {"what": what, "path": str(path), "can_write": os.access(path, os.W_OK)}
        for what, path in places.items()
    ]
    if own is not None:
        found.append({"what": "your settings", "path": str(own), "can_write": _may_write(own)})
    return found


def _may_write(path: Path) -> bool:
    """Whether the file can be written, or made where it and its directories are not there yet."""
    there = next(one for one in (path, *path.parents) if one.exists())
    return os.access(there, os.W_OK)


def _shown(document: dict[str, Any]) -> list[Block]:
    facts = [("pmlcli", f"{document['pmlcli']}, in {document['place']}")]
    facts += [("Python", f"{document['python']}, {document['system']}")]
    facts += [("models are asked in a", document["confinement"])]
    core = ", ".join(f"{one['module']} {one['version'] or 'MISSING'}" for one in document["libraries"])
    rows = [(f"  {e['extra']}", _installed(e), _used_for(e)) for e in document["extras"]]
    missing = [e["extra"] for e in document["extras"] if not e["is_installed"] and e["extra"] != "discovery"]
    places = [
        (place["what"], f"{place['path']}{'' if place['can_write'] else ' (cannot be written to)'}")
        for place in document["places"]
    ]
    settings = [(one["source"], ", ".join(one["sets"]) or "sets nothing") for one in document["settings"]]
    return [
        Pairs([*facts, ("core libraries", core)]),
        Heading("Extras"),
        Table(("  extra", "installed", "for"), rows),
        *([Line(f"pip install 'pmlcli[{','.join(missing)}]' brings what is missing")] if missing else []),
        Heading("Places"),
        Pairs(places),
        Heading("Settings, the strongest first (pmlcli config says more)"),
        Pairs(settings),
    ]


def _installed(extra: dict[str, Any]) -> str:
    if not extra["is_installed"]:
        return "no"
    return ", ".join(f"{one['module']} {one['version']}" for one in extra["libraries"])


def _used_for(extra: dict[str, Any]) -> str:
    return ", ".join([*([extra["also"]] if extra["also"] else []), *extra["algorithms"]])
