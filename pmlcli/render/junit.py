"""What a measuring command found, as JUnit XML: a test case a gate, or the verdict where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from pmlcli.escape import visible
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment
from pmlcli.evaluation.gates import Judged
from pmlcli.render import figure


def suites(found: Assessment, judged: Sequence[Judged]) -> str:
    """The document; a gate that is crossed is a failure, one that cannot be judged is skipped.

    The verdict is a test case where no gate was set, which fails where a person should look, and where it
    decides how the run ends, which fails where the run does.
    """
    suite = ElementTree.Element("testsuite", {"name": f"pmlcli {found.command}"})
    _properties(suite, found, gates.exit_code(found, judged))
    for one in judged:
        _case(suite, found, one)
    if not judged or found.fails is not None:
        case = ElementTree.SubElement(suite, "testcase", _named(found, "verdict"))
        if found.is_bad if found.fails is None else found.fails:
            _failure(case, found.verdict, found.sentence)
    texts = [found.sentence, *(f"warning: {text}" for text in found.warnings)]
    ElementTree.SubElement(suite, "system-out").text = "\n".join(map(visible, texts))
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": 0,
    }
    root = ElementTree.Element("testsuites")
    for element in (root, suite):
        for name, count in counts.items():
            element.set(name, str(count))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    root.append(suite)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _properties(suite: ElementTree.Element, found: Assessment, exit_code: int) -> None:
    facts = figure.fact_texts(found.facts)
    values = {gates.name_of(one): one.value for one in found.figures if not one.group}
    texts = facts | {name: "" if value is None else repr(value) for name, value in values.items()}
    properties = ElementTree.SubElement(suite, "properties")
    for name, text in {**texts, "exit_code": str(exit_code)}.items():
        ElementTree.SubElement(properties, "property", {"name": visible(name), "value": visible(text)})


def _case(suite: ElementTree.Element, found: Assessment, one: Judged) -> None:
    group = f" [{gates.group_text(one.figure.group)}]" if one.figure.group else ""
    case = ElementTree.SubElement(suite, "testcase", _named(found, f"{one.gate.text}{group}"))
    if one.is_crossed:
        _failure(case, "gate", gates.sentence(one))
    elif one.value is None:
        ElementTree.SubElement(case, "skipped", {"message": visible(gates.sentence(one))})


def _named(found: Assessment, name: str) -> dict[str, str]:
    return {"classname": f"pmlcli.{found.command}", "name": visible(name)}


def _failure(case: ElementTree.Element, kind: str, text: str) -> None:
    failure = ElementTree.SubElement(case, "failure", {"type": visible(kind), "message": visible(text)})
    failure.text = visible(text)
