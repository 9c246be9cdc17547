"""How the page was made: which log, which models, which versions, and by which command line."""

from __future__ import annotations

from pmlcli.lifecycle.provenance import dependencies
from pmlcli.render import number
from pmlcli.reporting.parts import Cell, Part, Table
from pmlcli.reporting.story import Asked, Story


def part(story: Story) -> Part:
    """Facts that let another person make the same page. No time of making: equal inputs give equal bytes."""
    source = story.log.source
    facts: list[tuple[str, str]] = [
        ("log", source.name),
        ("format", source.format),
        ("SHA-256 of the log", source.sha256 or "unknown: the log came from memory"),
        ("size", number.size(source.size_bytes) if source.size_bytes is not None else "unknown"),
        ("columns", ", ".join(f"{role} = {name}" for role, name in story.log.schema.columns.items())),
        ("time zone", story.zone.key),
        ("pmlcli", dependencies(())["pmlcli"]),
    ]
    if story.options.command:
        facts.append(("command line", story.options.command))
    rows: list[list[Cell]] = [[name, value] for name, value in facts]
    tables = [Table("The log and the program", ("fact", "value"), rows), *(map(_model, story.models))]
    return Part("made", "How it was made", tables=tables)


def _model(asked: Asked) -> Table:
    fields = asked.fields
    log = fields["training_log"]
    period = f"{str(log.get('from') or '')[:10]} to {str(log.get('until') or '')[:10]}"
    facts = [
        ("model", asked.name),
        ("algorithm", asked.model_type),
        ("root digest", asked.digest),
        ("trained at", str(fields["trained_at"])),
        ("trained on", f"{log.get('name')}: {log.get('cases')} cases, {log.get('events')} events, {period}"),
        ("SHA-256 of that log", str(log.get("sha256"))),
        ("parameters", ", ".join(f"{name} = {value}" for name, value in fields["hyperparameters"].items())),
        ("versions", ", ".join(f"{name} {version}" for name, version in fields["dependencies"].items())),
    ]
    return Table(asked.label, ("fact", "value"), [[name, value] for name, value in facts])
