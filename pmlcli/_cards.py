"""Algorithm cards read from source: what `--help`, `algorithms` and `inspect` show without an import.

Importing an algorithm imports its library (seconds for some). Its parameters and class facts are
plain literals, so reading the syntax tree gives the same answer in milliseconds; the test suite
compares the two.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE_ROOT = Path(__file__).parent
_WORDS = {"int": "integer", "float": "number", "bool": "true or false", "str": "text"}
_BOUNDS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


@dataclass(frozen=True)
class ParameterCard:
    """One parameter as people meet it; the same fields as an imported class's `ParameterSpec`."""

    name: str
    type: str
    default: Any
    help: str
    range: str = ""
    unit: str | None = None


@dataclass(frozen=True)
class AlgorithmCard:
    """What there is to know of an algorithm without importing it."""

    name: str
    task: str
    summary: str
    description: str
    parameters: tuple[ParameterCard, ...]
    encoding: str
    extra: str | None
    container: str
    tolerance: float
    source: str
    baseline: str
    recommended: str
    is_baseline: bool
    libraries: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        plain = dict(vars(self))
        plain["parameters"] = [dict(vars(parameter)) for parameter in self.parameters]
        return plain


class _Class(NamedTuple):
    node: ast.ClassDef
    module: Path


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module_path(module: str) -> Path:
    return PACKAGE_ROOT.parent / (module.replace(".", "/") + ".py")


def _imported_from(path: Path, name: str) -> Path | None:
    """The file of our own package that `name` is imported from in this file, if any."""
    for node in _tree(path).body:
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("pmlcli.")
            and any((alias.asname or alias.name) == name for alias in node.names)
        ):
            return _module_path(node.module)
    return None


def _class_named(path: Path, name: str) -> _Class | None:
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _Class(node, path)
    elsewhere = _imported_from(path, name)
    return _class_named(elsewhere, name) if elsewhere else None


def _bases(found: _Class) -> Iterator[_Class]:
    for base in found.node.bases:
        named = base.value if isinstance(base, ast.Subscript) else base
        parent = _class_named(found.module, named.id) if isinstance(named, ast.Name) else None
        if parent:
            yield parent


def _lineage(found: _Class) -> list[_Class]:
    """The class and its ancestors in our package, as Python orders them for simple inheritance: base last."""
    line = [found]
    for parent in _bases(found):
        for ancestor in _lineage(parent):
            # A shared ancestor comes after all of its children.
            line = [*(one for one in line if one != ancestor), ancestor]
    return line


def _is_algorithm(found: _Class) -> bool:
    return any(ancestor.node.name == "Algorithm" for ancestor in _lineage(found))


def _algorithm_class(path: Path) -> _Class:
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found = _Class(node, path)
            if _is_algorithm(found):
                return found
    raise LookupError(f"no algorithm in {path.name}")


def _class_facts(line: list[_Class]) -> dict[str, Any]:
    """Literal class attributes, those of the class itself winning over its bases'."""
    facts: dict[str, Any] = {}
    for found in reversed(line):
        for node in found.node.body:
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.value is not None
            ):
                value = _literal(node.value)
                if value is not _UNKNOWN:
                    facts[node.target.id] = value
            if (
                isinstance(node, ast.FunctionDef)
                and node.name == "make_encoding"
                and node.returns is not None
            ):
                facts["make_encoding"] = ast.unparse(node.returns)
    return facts


_UNKNOWN = object()


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _UNKNOWN


def _type_words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and node.value is None:
        return "none"
    if isinstance(node, ast.BinOp):
        return f"{_type_words(node.left)} or {_type_words(node.right)}"
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return " or ".join(str(choice) for choice in _literal_items(node.slice))
    if isinstance(node, ast.Subscript):
        return "names separated by commas"
    return _WORDS[ast.unparse(node)]


def _literal_items(node: ast.expr) -> tuple[Any, ...]:
    value = ast.literal_eval(node)
    return value if isinstance(value, tuple) else (value,)


def _parameter(node: ast.AnnAssign) -> ParameterCard | None:
    hint = node.annotation
    if not (isinstance(hint, ast.Subscript) and ast.unparse(hint.value) == "Annotated"):
        return None
    if not (
        isinstance(hint.slice, ast.Tuple) and isinstance(node.target, ast.Name) and node.value is not None
    ):
        return None
    kind, declared = hint.slice.elts[0], hint.slice.elts[1]
    if not (isinstance(declared, ast.Call) and ast.unparse(declared.func) == "Param"):
        return None
    named = {word.arg: ast.literal_eval(word.value) for word in declared.keywords if word.arg}
    help_text = named.get("help") or ast.literal_eval(declared.args[0])
    bounds = " and ".join(f"{sign} {named[key]:.12g}" for key, sign in _BOUNDS if named.get(key) is not None)
    default = ast.literal_eval(node.value)
    return ParameterCard(node.target.id, _type_words(kind), default, help_text, bounds, named.get("unit"))


def _parameters(line: list[_Class]) -> tuple[ParameterCard, ...]:
    found: dict[str, ParameterCard] = {}
    for ancestor in reversed(line):
        for node in ancestor.node.body:
            parameter = _parameter(node) if isinstance(node, ast.AnnAssign) else None
            if parameter:
                found[parameter.name] = parameter
    return tuple(found.values())


def _libraries(files: set[Path]) -> tuple[str, ...]:
    """Top-level names of the third-party modules that these files and their helpers import, sorted."""
    imported: set[str] = set()
    for node in (node for file in _with_helpers(files) for node in _tree(file).body):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    return tuple(sorted(imported - set(sys.stdlib_module_names) - {"pmlcli"}))


def _with_helpers(files: set[Path]) -> set[Path]:
    """These files and the modules of `pmlcli.algorithms` that they import, and so on."""
    found, pending = set(files), list(files)
    while pending:
        for node in _tree(pending.pop()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pmlcli.algorithms."):
                module = str(node.module)
                paths = {_module_path(module), *(_module_path(f"{module}.{a.name}") for a in node.names)}
                new = {path for path in paths if path.is_file()} - found
                found |= new
                pending += new
    return found


@cache
def read_card(name: str, path: Path) -> AlgorithmCard:
    """The card of the algorithm in this file of our package."""
    line = _lineage(_algorithm_class(path))
    facts = _class_facts(line)
    module_doc = ast.get_docstring(_tree(path)) or ""
    return AlgorithmCard(
        name=name,
        task=name.partition("/")[0],
        summary=module_doc.partition("\n")[0],
        description=ast.get_docstring(line[0].node) or "",
        parameters=_parameters(line),
        encoding=facts.get("make_encoding", ""),
        extra=facts.get("extra"),
        container=facts.get("container", "plain"),
        tolerance=float(facts.get("tolerance", 0.0)),
        source=facts.get("source", ""),
        baseline=facts["baseline"],
        recommended=facts.get("recommended", facts["baseline"]),
        is_baseline=facts["baseline"] == name,
        libraries=_libraries({found.module for found in line}),
    )
