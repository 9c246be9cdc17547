"""The picture of the layers in docs/architecture.md: Mermaid text, made from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "pmlcli"
BEGIN, END = "<!-- made by docs/house.py -->\n", "<!-- end -->"
# Imported from everywhere: one box without arrows, so that the others can be seen.
GROUND = ("arrays", "errors", "escape", "runtime", "spreadsheet", "system", "writing")
TASKS = "tasks"
# The ways in: the package's own names, the console script, and what the registry reads.
DOORS = ("__init__", "__main__", "_cards")

Rooms = dict[str, set[str]]


def with_picture(page: str) -> str:
    """The page with the picture between its two marks made anew."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page lacks {BEGIN.strip()} or {END}")
    return f"{before}{BEGIN}{picture()}{END}{after}"


def picture() -> str:
    """A flow chart: an arrow leads from a room to one that it imports, if no longer way leads there."""
    arrows = reduced(rooms())
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  subgraph algorithms\n{_inside(arrows)}\n  end"]
    lines += [f"  {room}" for room in sorted(arrows) if "/" not in room]
    lines += [f"  {_id(a)} --> {_id(b)}" for a in sorted(arrows) for b in sorted(arrows[a])]
    lines += [f'  ground["{", ".join(GROUND)}: imported from everywhere"]', "```", ""]
    return "\n".join(lines)


def _inside(arrows: Rooms) -> str:
    return "\n".join(f'    {_id(room)}["{room.partition("/")[2]}"]' for room in sorted(arrows) if "/" in room)


def _id(room: str) -> str:
    return room.replace("/", "_")


def rooms() -> Rooms:
    """Each room of the package and the rooms that its files import; the tasks' folders are one room."""
    found: Rooms = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        own = _room(file.relative_to(PACKAGE).with_suffix("").parts)
        if own is not None:
            found.setdefault(own, set()).update(other for other in _imported(file) if other != own)
    return found


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, *parts = name.split(".")
            room = _room(tuple(parts)) if package == "pmlcli" else None
            if room is not None:
                yield room


def _room(parts: tuple[str, ...]) -> str | None:
    """The room of a module below the package; None for the ground, the doors and the package itself."""
    if not parts or parts[0] in (*GROUND, *DOORS) or not _is_module(parts[0]):
        return None
    if parts[0] != "algorithms":
        return parts[0]
    if len(parts) < 2 or parts[1] == "__init__":
        return None
    return f"algorithms/{parts[1] if parts[1].startswith('_') else TASKS}"


def _is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def reduced(arrows: Mapping[str, set[str]]) -> Rooms:
    """The same arrows without those that only shorten a longer way. There are no circles."""
    return {
        room: {to for to in targets if not any(to in _reached(arrows, other) for other in targets - {to})}
        for room, targets in arrows.items()
    }


def _reached(arrows: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for room in arrows[ahead.pop()] - seen:
            seen.add(room)
            ahead.append(room)
    return seen
