"""The page as a whole: its sections, its bytes, what is refused, and names that are not what they seem."""

from __future__ import annotations

import contextlib
import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pmlcli import LogError, Model, PmlError, PredictRequest, Report, ReportOptions, ValidationError, report
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.profile import profile
from pmlcli.eventlog.running import standing
from pmlcli.eventlog.selection import Selection
from pmlcli.reporting import axes, figures, layout, measured, noticed, over_time, words
from pmlcli.reporting import report as reporting
from pmlcli.reporting.pseudonyms import pseudonyms
from pmlcli.reporting.story import SECTIONS, TIMED, Story
from tests.logs import log_of, purchase_events, trace_log

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Tags that are open, and what was seen on the way."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["title"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def test_the_page_has_every_section_and_is_well_formed(page: Report) -> None:
    found = Page(page.html)
    assert found.open == []
    assert [part.anchor for part in page.parts] == list(SECTIONS)
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"] for tag, attrs in found.tags if tag == "a"]
    assert targets == [f"#{name}" for name in SECTIONS]
    assert {target.removeprefix("#") for target in targets if target} <= set(ids)


def test_nothing_on_the_page_runs_or_comes_from_elsewhere(page: Report) -> None:
    found = Page(page.html)
    assert not {"script", "img", "link", "iframe", "object", "image", "use"} & {tag for tag, _ in found.tags}
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<>]+", page.html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    assert "url(" not in page.html


def test_every_figure_has_size_title_description_and_table(page: Report) -> None:
    drawn = list(figures.figures(page))
    names = {one.name for one in drawn}
    assert {"over-time", "waits", "dotted", "scores", "forecast-1", "honesty-next-activity"} <= names
    for one in drawn:
        width, height = one.size
        head = str(one.svg).split(">", 1)[0]
        assert f'width="{width}"' in head, one.name
        assert f'height="{height}"' in head, one.name
        assert f'viewBox="0 0 {width} {height}"' in head, one.name
        title, described = (re.search(f"<{tag} id=.*?>(.+?)</{tag}>", one.svg) for tag in ("title", "desc"))
        assert title and described, one.name
        assert one.table.rows, one.name
        assert len({len(row) for row in one.table.rows} | {len(one.table.headers)}) == 1, one.name


def test_the_same_log_and_models_give_the_same_bytes(
    log: EventLog, models: list[Model], page: Report
) -> None:
    again = report(log, *models, how=ReportOptions(title="Orders & more"))
    assert again.html == page.html


def test_without_a_model_it_is_the_logs_own_report(log: EventLog) -> None:
    found = report(log)
    assert "No model was given" in found.html
    assert [part.anchor for part in found.parts] == list(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_can_stand_alone(log: EventLog, models: list[Model], section: str) -> None:
    found = report(log, models[0], how=ReportOptions((section,)))
    assert [part.anchor for part in found.parts] == [section]
    assert Page(found.html).open == []


HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" & 'so' > on",
    "x" * 500,
    "مراجعة الطلب",
    "a\u202eb",
    "{{ 7 * 7 }}",
    "]]></style><img src=x>",
)


def test_names_from_a_log_stand_as_text() -> None:
    """As activities, people, case ids and columns alike."""
    events = purchase_events(30)
    for i, event in enumerate(events):
        name = HOSTILE[i % len(HOSTILE)]
        event["activity"], event["resource"] = f"{name}", f"{name}"
        event["case_id"] = f"{event['case_id']} {HOSTILE[int(event['case_id'][-2:]) % len(HOSTILE)]}"
    found = report(log_of(events), how=ReportOptions(title=HOSTILE[0]))
    page = Page(found.html)
    assert page.open == []
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert HOSTILE[0] in page.text
    assert "مراجعة الطلب" in page.text
    assert "\u202e" not in found.html
    assert "{{ 7 * 7 }}" in page.text
    assert "x" * 200 not in page.text
    assert ("title", "x" * 500) in [pair for _, attrs in page.tags for pair in attrs.items()]
    svg = [data for name, data in figures.files(found, with_png=False).items() if name.endswith(".svg")]
    assert svg
    assert not [data for data in svg if b"<script>" in data]


def test_anonymised_no_case_and_no_person_is_named(log: EventLog, models: list[Model]) -> None:
    plain = report(log, models[0])
    found = report(log, models[0], how=ReportOptions(anonymise=True))
    people = [name for name in log.resources if re.search(rf"\b{name}\b", plain.html)]
    assert people
    assert "PO-03" in plain.html
    for name in (*log.resources, *map(str, log.case_ids)):
        assert not re.search(rf"\b{name}\b", found.html), name
    assert "case 1" in found.html
    assert "person 1" in found.html


def test_anonymised_filters_findings_and_titles_name_nobody(tmp_path: Path) -> None:
    """What was filtered, columns that repeat an id, and the user's own words: also where ids are numbers."""
    rows = [
        f"{880_000 + n},{activity},2024-01-{1 + n % 28:02d}T0{hour}:00:00Z,O'Hara {n % 3},{880_000 + n}"
        for n in range(30)
        for hour, activity in enumerate(("Create", "Pay"))
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["Case ID,activity,timestamp,resource,case:ref", *rows]))
    where = (("Case ID", "880003"), ("Case ID", "880004"), ("resource", "O'Hara 0"), ("activity", "Pay"))
    read = read_log(path, ReadOptions(selection=Selection(where=where)))
    for log in (read, read_log(path)):
        found = report(log, how=ReportOptions(anonymise=True, title="What O'Hara 0 did"))
        assert not re.search(r"8800\d\d|Hara", Page(found.html).text + found.title)
    page = report(read, how=ReportOptions(("quality",), anonymise=True)).html
    assert "Case ID is not what was chosen" in page
    assert "activity is not &#39;Pay&#39;" in page


def test_a_case_that_starts_on_the_edge_of_a_bucket_counts_in_it() -> None:
    """Logs of dates have all events at midnight; one of a single event has nothing else."""
    one = [{"case_id": "a", "activity": "Pay", "timestamp": "2024-01-01T00:00:00Z"}]
    assert "1.0 case" in report(log_of(one)).html
    days = [
        {"case_id": str(n), "activity": "Pay", "timestamp": f"2024-01-{1 + n:02d}T00:00:00Z"}
        for n in range(7)
    ]
    log = log_of(days)
    story = Story(log, profile(log), standing(log))
    assert over_time.buckets(story).began.tolist() == [1] * 7


def test_a_limit_that_no_model_takes_is_refused(log: EventLog, models: list[Model]) -> None:
    for given in ((), (models[0],)):
        with pytest.raises(ValidationError, match="'sla' would change nothing"):
            report(log, *given, request=PredictRequest(sla=60.0))


def test_an_earlier_log_of_another_process_is_no_models_fault(log: EventLog) -> None:
    with pytest.raises(LogError, match="another process") as caught:
        report(log, compare=trace_log([["a", "b"]] * 40))
    assert "model" not in (caught.value.hint or "")


def test_what_cannot_be_meant_is_refused(log: EventLog, models: list[Model]) -> None:
    with pytest.raises(ValidationError, match="two models of the task anomaly"):
        report(log, models[0], models[0])
    with pytest.raises(ValidationError, match="no section is chosen"):
        ReportOptions(())
    with pytest.raises(ValidationError, match="did you mean|section"):
        ReportOptions(("mpa",))
    with pytest.raises(ValidationError):
        ReportOptions(paths=1.5)
    other = log_of([{**event, "activity": f"other {event['activity']}"} for event in purchase_events(20)])
    with pytest.raises(LogError, match="another process"):
        report(other, models[0])


@pytest.mark.parametrize("section", TIMED)
def test_a_log_without_times_is_refused_where_times_are_asked_for(section: str) -> None:
    timeless = trace_log([["a", "b"], ["a", "c"]] * 5)
    with pytest.raises(LogError, match="no timestamps"):
        report(timeless, how=ReportOptions((section,)))
    assert "The log has no times" in report(timeless).html


def test_it_is_saved_whole_or_not_at_all(page: Report, tmp_path: Path) -> None:
    page.save(tmp_path / "r.html")
    with pytest.raises(ValidationError):
        page.save(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page.html
    assert "<iframe" in page._repr_html_()
    assert "<script" not in page._repr_html_()


def test_the_map_is_a_table_where_its_program_is_missing(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "program", lambda: None)
    found = report(log, how=ReportOptions(("map",)))
    assert "pip install graphviz-pure" in found.html
    assert "Hand-overs" in found.html
    assert not list(figures.figures(found))


def test_a_limit_says_who_is_late(log: EventLog, models: list[Model]) -> None:
    some = ReportOptions(("in-short", "cases"))
    never = report(log, models[1], how=some, request=PredictRequest(sla=1e9)).html
    always = report(log, models[1], how=some, request=PredictRequest(sla=60.0)).html
    assert f"take longer than the limit of {words.took(1e9)}" in never
    assert "0 of the" in never
    assert "Will take longer than the limit" in always
    assert "Will take longer than the limit" not in never


@pytest.fixture(scope="module")
def story(log: EventLog, models: list[Model]) -> Story:
    """What the page of the first two models is made of."""
    return reporting._story(log, models[:2], ReportOptions(), None, PredictRequest(), lambda _text: None)


def test_what_a_case_is_expected_to_take_is_what_lies_between_its_start_and_its_expected_end(
    story: Story,
) -> None:
    """Also where it was silent since its last event: that time is part of what remains."""
    table = story.models[1].cases
    places = {str(one): at for at, one in enumerate(story.log.case_ids)}
    late = noticed.late(story)
    ends = dict(zip(table["case_id"], table["expected_end"], strict=True))
    starts = {case: story.log.starts[places[str(case)]] / 1e6 for case in ends}
    took = {places[str(case)]: end.timestamp() - starts[case] for case, end in ends.items()}
    limit = noticed.slow(story)
    assert limit is not None
    assert {one.case for one in late} == {case for case, whole in took.items() if whole > limit}
    assert len(late) < len(ends)
    for one in late:
        assert one.urgency == pytest.approx(took[one.case], abs=1)


def test_a_case_that_is_odd_and_late_stands_once_and_says_both(story: Story) -> None:
    both = {one.case for one in noticed.odd(story)} & {one.case for one in noticed.late(story)}
    assert both
    shown = noticed.noticed(story)
    assert len({one.case for one in shown}) == len(shown)
    assert all("; also " in one.facts for one in shown if one.case in both)


def test_every_case_that_is_odd_has_an_odd_event_in_every_picture(story: Story) -> None:
    assert story.odd_events is not None
    assert story.odd_cases is not None
    assert story.odd_cases.any()
    marked = np.logical_or.reduceat(story.odd_events, story.log.offsets[:-1])
    assert marked.tolist() == story.odd_cases.tolist()


@pytest.mark.parametrize("limit", [0.3, 5.8, 9.0])
def test_a_bar_of_scores_lies_on_one_side_of_the_threshold(limit: float) -> None:
    edges = measured._edges(0.0, limit, 10.0)
    assert limit in edges.tolist()
    assert edges[0] == 0
    assert edges[-1] >= 10
    assert np.allclose(np.diff(edges), np.diff(edges)[0])


@pytest.mark.parametrize("days", [0, 3, 44, 45, 300, 1_300, 4_788, 12_000, 30_000, 400_000])
def test_time_is_cut_into_days_or_whole_weeks(days: int) -> None:
    width, name = over_time._width(days)
    assert days / width <= over_time.MOST_BUCKETS
    assert width == 1 or width % 7 == 0
    assert not re.search(r"\d days", name)


@pytest.mark.parametrize(("years", "told"), [(0.05, ""), (0.3, "weeks"), (1, "months"), (5, "quarters")])
def test_the_axis_says_what_its_small_marks_are(years: float, told: str) -> None:
    scale = axes.Scale(0.0, years * 365 * axes.DAY, 0, 800)
    assert axes.small_marks(scale) == told
    assert any(not one.text for one in axes.times(scale, ZoneInfo("UTC"))) == bool(told)


def test_people_that_a_reason_names_are_only_those_of_the_log() -> None:
    """A reason may quote a person whom the model saw in training alone."""
    names = pseudonyms([log_of(purchase_events(5))], ["Approve"])
    told = names.reason("`Zoe` did `Approve` of `Vendor 7` in case PO-0001")
    assert told == "`another value` did `Approve` of `another value` in case case 2"
    assert (
        names.text("'PO-0001' and Ann, not Annabel")
        == "'case 2' and " + names.people["Ann"] + ", not Annabel"
    )


JUNK = {
    "a time that is none": lambda fields: fields["training_log"].update({"from": "junk", "until": "junk"}),
    "metrics of another form": lambda fields: fields["performance_metrics"].update({"auc": {"metric": 1}}),
    "no metrics": lambda fields: fields["performance_metrics"].clear(),
    "numbers that are none": lambda fields: [
        one.update({"value": float("nan"), "lower": None}) for one in fields["performance_metrics"].values()
    ],
}


@pytest.mark.parametrize("name", JUNK)
def test_a_manifest_that_no_training_writes_is_no_bug(
    name: str, log: EventLog, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = copy.deepcopy(models[0].manifest_fields)
    JUNK[name](fields)
    monkeypatch.setattr(Model, "manifest_fields", property(lambda _model: fields))
    with contextlib.suppress(PmlError):
        assert Page(report(log, models[0]).html).open == []


def test_odd_arrows_are_kept_whatever_share_is_asked_for(log: EventLog, models: list[Model]) -> None:
    found = report(log, models[0], how=ReportOptions(("map",), paths=0.01))
    (map_,) = figures.figures(found)
    assert 'class="odd"' in map_.svg
    assert "Shred" in map_.dot
    assert map_.dot.count('"') % 2 == 0
