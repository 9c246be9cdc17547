"""Writes `pmlcli/algorithms/<task>/cards.json` from the imported classes: run it by `make cards`.

python tools/cards.py           writes the files
python tools/cards.py --check   exits 1 when one is not what would be written
"""

from __future__ import annotations

import sys

from pmlcli import registry
from pmlcli._cards import CARDS_NAME, PACKAGE_ROOT, cards_text


def texts() -> dict[str, str]:
    """Path within the package to content, a file a task; algorithms of other packages have none."""
    return {
        f"algorithms/{task.replace('-', '_')}/{CARDS_NAME}": cards_text(
            registry.fresh_task_card(task), [registry.fresh_card(name) for name in registry.own_names(task)]
        )
        for task in registry.tasks()
        if registry.own_names(task)
    }


def main() -> int:
    """Writes the files, or with --check compares them."""
    stale = []
    for name, text in texts().items():
        path = PACKAGE_ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"not fresh: {', '.join(stale)}; run `make cards`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
