"""Imports point down the layers, and heavy libraries are imported only where they are needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "pmlcli"
FILES = sorted(ROOT.rglob("*.py"))
MODULES = {".".join(("pmlcli", *file.relative_to(ROOT).with_suffix("").parts)): file for file in FILES}

# What each layer may import from pmlcli. `GROUND` is the ground that all stand on.
GROUND = {"arrays", "errors", "runtime", "system", "writing", "spreadsheet", "escape", "__init__"}
ALLOWED = {
    "python_words": set(),
    "errors": {"python_words"},
    "arrays": set(),
    "runtime": set(),
    "system": {"errors"},
    "writing": {"errors"},
    "spreadsheet": set(),
    "escape": set(),
    "store": {"errors", "writing"},
    "eventlog": GROUND,
    "evaluation": GROUND,
    "encoding": GROUND | {"eventlog"},
    "_cards": set(),
    "algorithms": GROUND | {"_cards", "eventlog", "encoding", "evaluation"},
    "registry": GROUND | {"_cards", "algorithms"},
    "lifecycle": GROUND | {"store", "eventlog", "encoding", "evaluation", "algorithms", "registry", "_cards"},
    "render": GROUND | {"eventlog", "evaluation", "lifecycle", "_cards"},
    "reporting": GROUND
    | {"store", "eventlog", "encoding", "evaluation", "algorithms", "lifecycle", "render"},
    "cli": GROUND
    | {
        "reporting",
        "store",
        "eventlog",
        "encoding",
        "evaluation",
        "algorithms",
        "lifecycle",
        "registry",
        "render",
        "_cards",
    },
    # For type checkers alone; tests/test_public_names.py holds that nothing is imported.
    "__init__": {
        "errors",
        "store",
        "eventlog",
        "encoding",
        "algorithms",
        "lifecycle",
        "registry",
        "reporting",
    },
    "__main__": {"cli", "errors", "render", "system"},
}
ONLY_IN = {
    "torch": {"algorithms"},
    "sklearn": {"algorithms", "store"},
    "statsmodels": {"algorithms"},
    "xgboost": {"algorithms"},
    "prophet": {"algorithms"},
    "typer": {"cli"},
    "rich": {"cli", "render"},
    "jinja2": {"reporting"},
    "resvg_py": {"reporting"},
}


def layer_of(file: Path) -> str:
    return file.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_every_file_belongs_to_a_known_layer() -> None:
    assert {layer_of(file) for file in FILES} <= set(ALLOWED)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_down(file: Path) -> None:
    layer = layer_of(file)
    for name in imports_of(file):
        top, _, rest = name.partition(".")
        if top == "pmlcli":
            target = rest.partition(".")[0]
            known = target if target in ALLOWED else "__init__"
            assert known == layer or known in ALLOWED[layer], f"{file.name} ({layer}) imports {name}"
        elif top in ONLY_IN:
            assert layer in ONLY_IN[top], f"{file.name} ({layer}) imports {top}"


# What each shared room of the algorithms may import of the others; a task's folder may import them all.
ROOMS: dict[str, set[str]] = {
    "_interface": set(),
    "_learning": {"_interface"},
    "_prefixes": {"_interface"},
}
TASKS = {f.parent.name for f in ROOT.glob("algorithms/*/__init__.py")} - set(ROOMS)
ALGORITHM_FILES = sorted(ROOT.glob("algorithms/*/**/*.py"))


def rooms_imported(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Each import within `pmlcli.algorithms` with its parts below that package."""
    for name in imports_of(file):
        parts = name.split(".")
        if parts[:2] == ["pmlcli", "algorithms"]:
            yield name, parts[2:]


@pytest.mark.parametrize("file", ALGORITHM_FILES, ids=lambda f: str(f.relative_to(ROOT / "algorithms")))
def test_a_room_imports_only_what_stands_below_it(file: Path) -> None:
    own = file.relative_to(ROOT / "algorithms").parts[0]
    below = ROOMS[own] if own in ROOMS else set(ROOMS)
    for name, parts in rooms_imported(file):
        assert parts[0] in {own, *below}, f"{own}/{file.name} imports {name}"
        if own in TASKS and parts[0] == own:
            assert parts[1].startswith("_"), f"{own}/{file.name} imports the algorithm {name}"


def test_no_imports_go_round_in_a_circle() -> None:
    """Imports for type checking alone count as well: who has to know whom is what a reader meets."""
    pending = {
        name: {
            known
            for imported in imports_of(file)
            if (known := module_of(imported, MODULES)) not in (None, name)
        }
        for name, file in MODULES.items()
    }
    while free := [name for name, imported in pending.items() if not imported & pending.keys()]:
        for name in free:
            del pending[name]
    assert not pending, f"imports go round among {sorted(pending)}"


def module_of(imported: str, modules: Mapping[str, Path]) -> str | None:
    """The module that an import names: `package.module.name`, `package.module` or a package's own file."""
    around = imported.rpartition(".")[0]
    candidates = (imported, f"{imported}.__init__", around, f"{around}.__init__")
    return next((name for name in candidates if name in modules), None)


TESTS = Path(__file__).parent
LAYERS_WITH_TESTS = sorted(
    {f.parent.name for f in ROOT.glob("*/__init__.py") if (TESTS / f.parent.name).is_dir()}
)


@pytest.mark.parametrize("layer", LAYERS_WITH_TESTS)
def test_the_tests_stand_in_the_folders_of_what_they_test(layer: str) -> None:
    """Every folder of tests is one of the code, and a test of one folder's modules alone stands no higher."""
    home = ROOT / layer
    folders = {file.parent.relative_to(home) for file in home.rglob("*.py")}
    for file in (TESTS / layer).rglob("test_*.py"):
        own = file.parent.relative_to(TESTS / layer)
        assert own in folders, f"{file}: the code has no such folder"
        modules = (module_of(name, MODULES) for name in imports_of(file))
        places = {MODULES[name].parent for name in modules if name is not None}
        tested = {place.relative_to(home) for place in places if place.is_relative_to(home)}
        if len(tested) == 1:
            assert own not in tested.pop().parents, f"{file}: what it tests has a folder of its own"


def test_a_kind_of_array_has_one_alias_in_one_place() -> None:
    made = re.compile(r"^(Codes|Floats) = ", re.MULTILINE)
    places = {f.relative_to(ROOT).as_posix() for f in FILES if made.search(f.read_text(encoding="utf-8"))}
    assert places == {"arrays.py"}
