"""Writes what of the docs is made from the code.

docs/commands.md from `--help` and each algorithm's card, docs/algorithms.md and docs/guarantees.md from
the cards, and the picture in docs/architecture.md from the imports.

python docs/build.py           writes the pages
python docs/build.py --check   exits 1 when a committed page is not what would be written
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

GUARANTEES = """# What each algorithm promises

This page is made by `docs/build.py` from the algorithms' own declarations. The contract suite
(`tests/contract`) holds every one of them to its line: it trains each again in a fresh process under another
`PYTHONHASHSEED` and thread count, compares the SHA-256 of every artifact, and predicts each case alone,
shuffled, and together with others.

- **same training**: the same log, parameters, seed and library versions give the same bytes of every file.
- **other cases**: how much the other cases of a log can change the prediction for a case, at most. `none`
  means the same bits. It does not apply to forecasts, which are about series and not cases. The time of the
  prediction does matter: the log's end, or `--as-of`, decides which cases are running and how long they have
  been idle.
- **kept as**: the format of what was learned (see [model-directory.md](model-directory.md)).

| algorithm | same training | other cases | kept as |
|---|---|---|---|
"""
KEPT = {
    "plain": "JSON and arrays",
    "sklearn": "joblib, read by pmlcli's own loader",
    "safetensors": "safetensors, sizes in JSON",
    "xgboost": "XGBoost JSON, structure checked",
    "members": "the formats of its members",
}

OVERVIEW = """# Algorithms

This page is made by `docs/build.py` from the algorithms' own declarations. `pmlcli algorithms` lists the
same, and `pmlcli algorithms TASK/NAME` shows the parameters of one, which
[commands.md](commands.md#algorithms) has for all.

Where `-t` names a task alone, its default is taken. The baseline is the simple way that the others are
measured by. What an algorithm needs beside the core install is an extra: `pip install 'pmlcli[EXTRA]'`.

"""
OVERVIEW_END = """
Every training measures the algorithm beside its task's baseline, on three cuts of the log's later half
(`--cuts N`), with a 90 % interval for a further period, and says `better`, `no better`, `worse` or `unclear`,
and why: [reliability.md](reliability.md#how-far-a-verdict-can-be-trusted). Nobody labels anomalies, so
detectors are measured on copies of held-out cases with one deviation each: a figure for comparing
detectors on your log, not their share of right flags. Which detector to take, how thresholds are set and what
a score means: [anomaly-detection.md](anomaly-detection.md). An algorithm of your own is one file:
[adding-an-algorithm.md](adding-an-algorithm.md), a task one folder: [adding-a-task.md](adding-a-task.md).
"""

INTRODUCTION = """# Commands and algorithms

This page is made by `docs/build.py` from the commands' own help and the algorithms' own declarations.

stdout carries data only: a table or CSV (`predict`), a card (`inspect`, `algorithms`), a report
(`verify`), the path of what was written (`train`, `convert`). Everything else goes to stderr. With
`--json` a command prints one JSON document with a `schema` field, errors included; with `-q` it prints
only results, errors and serious warnings.

`train` without `-o` writes to `models/TASK-NAME`, such as `models/anomaly-isolation-forest`.

## Settings

Every option can be set for all runs. The command line wins, then the variable, then the file that you
name or that is found, and last your own.

- A variable `PMLCLI_NAME`: `PMLCLI_TIMEZONE=Europe/Berlin`. Options that may be repeated take
  values separated by blanks: `PMLCLI_PARAM="n_estimators=200 seed=1"`.
- A file of your own: `~/.config/pmlcli/config.toml` (`$XDG_CONFIG_HOME/pmlcli/config.toml`), or any that you
  name with `--config`.
- `pmlcli.toml` in the working directory, or `[tool.pmlcli]` in its `pyproject.toml`. Since anybody may have
  put it there, it may set what is asked and how it is shown, and not whom to trust, which files are read and
  written, or how much is allowed: see [trust.md](trust.md#who-may-set-what). What it sets is said on stderr.

Keys are long option names; a table holds for one command. A flag is switched off by `false`, or by its
opposite:

```toml
timezone = "Europe/Berlin"

[train]
task = "anomaly"

[train.param]
contamination = 0.02
```

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | a bug in pmlcli |
| 2 | usage or configuration, or what `-o` names exists already |
| 3 | the log cannot be used; with `inspect --strict`, a finding about it is serious |
| 4 | the model cannot be used here (not there, of a newer pmlcli), or an extra is missing |
| 5 | the model is damaged, or nobody trusted vouches for it |
| 6 | a gate of `--fail-if` is crossed; all results were written |
| 7 | another process is writing the model |
| 8 | the time of `train --time-limit` was over before there was a model to keep |
| 74 | cannot read or write |
| 130, 143 | interrupted; nothing half-written is left |
| 141 | the reader of stdout went before all was written (0 where the rest fitted the pipe) |
"""


def guarantees() -> str:
    """The page of what each algorithm promises."""
    from pmlcli import registry

    cards = [registry.card(name) for name in registry.names()]
    rows = [f"| `{c.name}` | same bytes | {_other_cases(c)} | {KEPT[c.container]} |" for c in cards]
    return GUARANTEES + "\n".join([*rows, ""])


def overview() -> str:
    """The page that lists all algorithms, a table a task."""
    from pmlcli import registry

    tables = []
    for task in registry.tasks():
        cards = [registry.card(name) for name in registry.names(task)]
        rows = [f"| `{c.name}`{_role(c)} | {_cell(c.summary)} | {_needs(c)} |" for c in cards]
        tables += [f"## {task}\n", "| algorithm | in a sentence | needs |\n|---|---|---|", *rows, ""]
    return OVERVIEW + "\n".join(tables) + OVERVIEW_END


def _role(card: Any) -> str:
    return " (default)" if card.recommended == card.name else " (baseline)" if card.is_baseline else ""


def _needs(card: Any) -> str:
    extras = [f"`{extra}`" for extra in (card.extra or "").split(",") if extra]
    return "for its members, as far as they are there: " * (
        card.recommended == card.name and bool(extras)
    ) + ", ".join(extras)


def _other_cases(card: Any) -> str:
    if card.task == "forecast":
        return "does not apply"
    return f"at most {card.tolerance:g}" if card.tolerance else "none"


def build() -> str:
    """The page of commands."""
    # The width of the help is the terminal's; the page must not depend on it.
    os.environ["COLUMNS"] = "100"
    return "\n".join([INTRODUCTION, *commands(), "## Algorithms\n", *algorithms()])


def commands() -> list[str]:
    """A section a command."""
    from typer.main import get_command

    from pmlcli.cli.app import HELP_ALL, app

    group: Any = get_command(app)
    root = group.context_class(group, info_name="pmlcli", max_content_width=100)
    sections = ["## Commands\n"]
    for name, command in group.commands.items():
        context = command.context_class(
            command, info_name=name, parent=root, help_option_names=["--help", "-h"], max_content_width=100
        )
        context.meta[HELP_ALL] = True
        text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
        sections.append(f"### pmlcli {name}\n\n```text\n{text}\n```\n")
    return sections


def algorithms() -> list[str]:
    """A section an algorithm, by task."""
    from pmlcli import registry

    return [_card(registry.card(name)) for name in registry.names()]


def _card(card: Any) -> str:
    facts = [
        f"encoding `{card.encoding}`",
        "baseline of its task" if card.is_baseline else f"baseline `{card.baseline}`",
    ]
    if card.extra:
        facts.append(f"needs `pip install 'pmlcli[{card.extra}]'`")
    rows = [
        f"| `{p.name}` | {_default(p.default)} | {_accepts(p)} | {_cell(p.help)} |" for p in card.parameters
    ]
    return "\n".join(
        [
            f"### {card.name}\n",
            f"{card.description.strip()}\n",
            f"{', '.join(facts)[:1].upper()}{', '.join(facts)[1:]}. Source: {card.source}\n",
            "| parameter | default | accepts | meaning |\n|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _default(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"`{','.join(map(str, value))}`" if value else "none"
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _accepts(parameter: Any) -> str:
    unit = f" ({parameter.unit})" if parameter.unit else ""
    return _cell(f"{parameter.type} {parameter.range}".strip() + unit)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Writes or checks the pages."""
    sys.path.insert(0, str(HERE))
    from house import with_picture

    architecture = HERE / "architecture.md"
    pages = {
        HERE / "commands.md": build(),
        HERE / "guarantees.md": guarantees(),
        HERE / "algorithms.md": overview(),
        architecture: with_picture(architecture.read_text(encoding="utf-8")),
    }
    if "--check" in sys.argv[1:]:
        return int(any(not p.is_file() or p.read_text(encoding="utf-8") != text for p, text in pages.items()))
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
