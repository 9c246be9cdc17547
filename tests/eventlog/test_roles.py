"""Which column plays which role: by the names of tools, and by content where no name tells it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.profile import profile

STEPS = ("Register", "Check", "Decide", "Pay", "Inform", "Close")
BEGIN = datetime(2024, 1, 1, 8)


def events(seed: int = 0, cases: int = 40) -> pd.DataFrame:
    """A log of a few cases, a row an event, in order of time; columns are named for what they hold."""
    draw, rows = random.Random(seed), []
    for case in range(cases):
        now = BEGIN + timedelta(hours=5 * case)
        steps = [step for step in STEPS if draw.random() < 0.9]
        if draw.random() < 0.3:
            steps.insert(2, "Check")
        for number, step in enumerate(steps):
            end = now + timedelta(minutes=draw.randint(5, 90))
            rows.append(
                {
                    "case": f"K{case:03}",
                    "activity": step,
                    "activity number": str(STEPS.index(step) + 1),
                    "start": now.isoformat(sep=" "),
                    "end": end.isoformat(sep=" "),
                    "who": draw.choice(("ann", "bob", "cem", "dov")),
                    "count": str(number + 1),
                    "opened": (BEGIN + timedelta(hours=5 * case)).isoformat(sep=" "),
                    "kind": ("gold", "basic", "new")[case % 3],
                    "amount": f"{draw.random() * 900:.2f}",
                    "row": f"r{len(rows)}",
                }
            )
            now = end + timedelta(minutes=draw.randint(5, 600))
    return pd.DataFrame(rows).sort_values("end", kind="stable", ignore_index=True)


ROLE_OF = {"case": "case_id", "end": "timestamp", "start": "start_timestamp", "who": "resource"}
TOOLS = {
    "XES": "case:concept:name=case concept:name=activity time:timestamp=end org:resource=who",
    "Celonis": "_CASE_KEY=case ACTIVITY_EN=activity EVENTTIME=end USER_NAME=who _SORTING=count",
    "Disco": "Case ID=case,Activity=activity,Complete Timestamp=end,Resource=who,Variant=kind",
    "bupaR": "case_id=case activity_id=activity timestamp=end resource_id=who",
    "Apromore": "caseID=case activity=activity startTimestamp=start endTimestamp=end resource=who",
    "UiPath": "Case=kind,Case_ID=case,Activity=activity,Event_start=start,Event_end=end,User=who,Team=kind2",
    "Camunda": (
        "PROC_INST_ID_=case ACT_ID_=activity number ACT_NAME_=activity START_TIME_=start END_TIME_=end "
        "ASSIGNEE_=who"
    ),
    "Camunda REST": "processInstanceId=case activityName=activity startTime=start endTime=end assignee=who",
    "ServiceNow": (
        "ticket_number=case incident_state=activity opened_at=opened sys_updated_on=end assigned_to=who"
    ),
    "ServiceNow, created": "case_number=case activity=activity sys_created_on=opened sys_updated_on=end",
    "Jira": "Issue key=case,toString=activity,created=end,author=who",
    "SAP": "EBELN=case ACTIVITY=activity EVENTTIME=end ERNAM=who",
    "Power Automate": "CaseId=case ActivityName=activity StartTimestamp=start EndTimestamp=end",
    "German": "Fallnummer=case,Aktivität=activity,Startzeit=start,Endzeit=end,Bearbeiter=who,Betrag=amount",
    "German, other": "Fall=case,Aktivitaet=activity,Zeitstempel=end,Mitarbeiter=who",
    "French": "Numéro dossier=case,Activité=activity,Début=start,Fin=end,Utilisateur=who",
    "French, other": "ID cas=case,Étape=activity,Horodatage=end,Ressource=who",
    "Dutch": "Zaaknummer=case,Activiteit=activity,Starttijd=start,Eindtijd=end,Medewerker=who",
    "Dutch, other": "zaak_id=case,activiteit=activity,tijdstip=end,gebruiker=who",
    "Spanish": "ID caso=case,Actividad=activity,Fecha inicio=start,Fecha fin=end,Usuario=who",
    "Spanish, other": "Expediente=case,Tarea=activity,Marca de tiempo=end,Recurso=who",
}
"""Header and what it holds, as tools write them and as exports in other languages name them."""


def header(text: str) -> dict[str, str]:
    """Source name to kind."""
    if "," in text:
        return dict(part.split("=") for part in text.split(","))
    pairs: dict[str, str] = {}
    for part in text.replace("activity number", "activity_number").split():
        name, kind = part.rsplit("=", 1)
        pairs[name] = kind.replace("_", " ")
    return pairs


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_headers_of_tools(tool: str, is_reversed: bool, tmp_path: Path) -> None:
    log, names = events(), header(TOOLS[tool])
    log["kind2"], log["row0"] = log["kind"], log["kind"]
    table = log[list(names.values())].set_axis(list(names), axis=1)
    if is_reversed:
        table = table[table.columns[::-1]]
    table.to_csv(tmp_path / "x.csv", index=False)
    read = read_log(tmp_path / "x.csv")
    wanted = {ROLE_OF.get(kind, kind): name for name, kind in names.items() if kind in {*ROLE_OF, "activity"}}
    assert read.schema.columns == wanted
    assert set(read.activities) == set(STEPS)
    assert read.n_cases == 40


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_content_tells_roles_whatever_the_columns_are_called_and_wherever_they_stand(
    data: st.DataObject, tmp_path: Path
) -> None:
    log = events(data.draw(st.integers(0, 50)))
    given = data.draw(
        st.lists(
            st.sampled_from(["kind", "amount", "row", "opened", "count", "activity number"]), unique=True
        )
    )
    kinds = data.draw(st.permutations(["case", "activity", "end", *given]))
    names = [f"q{place}" for place in data.draw(st.permutations(range(len(kinds))))]
    log[kinds].set_axis(names, axis=1).to_csv(tmp_path / "x.csv", index=False)
    wanted = {
        ROLE_OF.get(kind, kind): names[kinds.index(kind)]
        for kind in ("case", "activity", "end")
        if kind in kinds
    }
    read = read_log(tmp_path / "x.csv", guess_columns=True)
    assert read.schema.columns == wanted
    finding = next(f for f in profile(read).findings if f.code == "columns.guessed")
    assert finding.count == 3
    with pytest.raises(LogError) as caught:
        read_log(tmp_path / "x.csv")
    added = caught.value.context["add_options"]
    assert dict(option.split("=") for option in added[1::2]) == wanted
    settled = read_log(tmp_path / "x.csv", columns=dict(option.split("=") for option in added[1::2]))
    assert settled.frame["activity"].tolist() == read.frame["activity"].tolist()


def test_what_content_does_not_settle_is_a_question(tmp_path: Path) -> None:
    draw = random.Random(1)
    lines = [f"{draw.randint(1, 9)},{draw.randint(1, 9)},{draw.randint(1, 9)}" for _ in range(300)]
    (tmp_path / "x.csv").write_text("\n".join(["a,b,c", *lines]))
    for guess in (False, True):
        with pytest.raises(LogError, match="no column for 'case_id' and 'activity' found") as caught:
            read_log(tmp_path / "x.csv", guess_columns=guess)
        assert "add_options" not in caught.value.context


@pytest.mark.parametrize("kinds", [["end"], ["end", "opened"], ["start", "end"], ["end", "start", "opened"]])
def test_times_that_no_role_uses_are_an_error_that_names_them(kinds: list[str], tmp_path: Path) -> None:
    names = {"case": "case_id", "activity": "activity", "end": "q1", "start": "q2", "opened": "q3"}
    log = events()[["case", "activity", *kinds]].rename(columns=names)
    log.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(LogError, match="'q1'") as caught:
        read_log(tmp_path / "x.csv")
    assert "timestamp=q1" in str(caught.value.hint)
    assert "timestamp=none" in str(caught.value.hint)
    guessed = read_log(tmp_path / "x.csv", guess_columns=True)
    assert guessed.schema.columns["timestamp"] == "q1"
    assert guessed.schema.columns.get("start_timestamp") == ("q2" if "start" in kinds else None)
    for changes in ({"columns": {"timestamp": "none"}}, {"order": "row"}):
        assert read_log(tmp_path / "x.csv", **changes).times is None


@pytest.mark.parametrize("form", ["csv", "parquet", "frame"])
def test_every_reader_finds_the_same_roles(form: str, tmp_path: Path) -> None:
    log = events()[["case", "activity", "end", "kind"]].set_axis(["a", "b", "c", "d"], axis=1)
    log["c"] = pd.to_datetime(log["c"], utc=True)
    source: object = log
    if form != "frame":
        source = tmp_path / f"x.{form}"
        getattr(log, f"to_{form}")(source, index=False)
    read = read_log(source, guess_columns=True)  # type: ignore[arg-type]
    assert read.schema.columns == {"case_id": "a", "activity": "b", "timestamp": "c"}


def test_a_name_is_taken_before_a_number_that_says_the_same(tmp_path: Path) -> None:
    log = events()[["case", "activity number", "activity", "end"]]
    log.set_axis(["case_id", "activity_id", "activity_name", "timestamp"], axis=1).to_csv(
        tmp_path / "x.csv", index=False
    )
    read = read_log(tmp_path / "x.csv")
    assert read.schema.columns["activity"] == "activity_name"
    assert any("the same in other words: 'activity_id'" in kind for kind, _ in read.ledger.notes)


def test_a_lifecycle_of_another_name_is_known_by_its_values(tmp_path: Path) -> None:
    log = events()[["case", "activity", "end"]].set_axis(["case_id", "activity", "timestamp"], axis=1)
    log["mode"] = ["start", "complete"] * (len(log) // 2) + ["start"] * (len(log) % 2)
    log.to_csv(tmp_path / "x.csv", index=False)
    read = read_log(tmp_path / "x.csv")
    assert read.schema.columns["lifecycle"] == "mode"
    assert ("'mode' taken as lifecycle, by its values", len(log)) in read.ledger.notes


def test_a_name_of_a_further_system_counts_only_where_the_column_fits(tmp_path: Path) -> None:
    log = events()[["case", "activity", "end"]].set_axis(["case_id", "activity", "timestamp"], axis=1)
    log["agent"], log["end"] = [f"note {i}" for i in range(len(log))], "soon"
    log.to_csv(tmp_path / "x.csv", index=False)
    assert set(read_log(tmp_path / "x.csv").schema.columns) == {"case_id", "activity", "timestamp"}
