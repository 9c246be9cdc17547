"""The names that process-mining tools and systems give to a log's columns, by the role that they play."""

from __future__ import annotations

import re
import unicodedata

EXACT = {
    "case_id": ("case:concept:name", "case_id"),
    "activity": ("concept:name", "activity"),
    "timestamp": ("time:timestamp", "timestamp"),
    "start_timestamp": ("start_timestamp", "time:start_timestamp"),
    "resource": ("org:resource", "resource"),
    "lifecycle": ("lifecycle:transition", "lifecycle"),
    "instance": ("concept:instance", "activity_instance_id"),
}
"""The names of XES and of this project: the first of these that a log has wins over every other name."""

_KNOWN = {
    "case_id": "caseid case casekey caseconceptname caseidentifier casenumber traceid trace processid",
    "activity": "activity activityid activityname activityen activitylabel conceptname eventname event task",
    "timestamp": (
        "timestamp timetimestamp completetimestamp endtimestamp endtime completetime completiontime "
        "eventtime eventtimestamp time datetime timecomplete completedate enddate finishtimestamp finishtime"
    ),
    "start_timestamp": "starttimestamp starttime startdate timestart start begintime begin",
    "resource": "resource resourceid orgresource user userid username performer originator",
    "lifecycle": "lifecycle lifecycletransition lifecycleid transition eventtype",
    "instance": "conceptinstance activityinstanceid activityinstance",
}
"""Names of XES, Celonis, Disco, Apromore, bupaR and Nirdizati."""

_LATER = {
    "case_id": (
        # ServiceNow, Jira, SAP (purchase order, sales document, object of a change), Camunda, UiPath, Pega
        "incidentnumber incidentid ticketid ticketnumber ticket issuekey issueid ebeln vbeln objectid "
        "procinstid processinstanceid processinstancekey processinstance rootprocessinstanceid pzinskey "
        # QPR, IBM, ARIS, Signavio
        "caseref casename caserefid cid processcase "
        # German
        "fall fallid fallnummer fallnr fallkennung vorgangsid vorgangsnummer vorgangsnr aktenzeichen "
        # French
        "cas idcas iddossier numerodossier numdossier identifiantcas identifiantdossier casid dossierid "
        # Dutch
        "zaak zaakid zaaknummer zaaknr dossiernummer idzaak "
        # Spanish
        "caso idcaso casoid numerocaso idexpediente expediente numeroexpediente identificadorcaso"
    ),
    "activity": (
        # Celonis, UiPath, Camunda, SAP, IBM, QPR, Power Automate, Disco
        "activityde activityfr activityes activitynl activityraw actname actid activitytype operation "
        "activitydescription eventtypename taskname stepname workflowstep "
        # ServiceNow, Jira
        "incidentstate tostring tostatus newstatus "
        # German
        "aktivitat aktivitaet aktivitatsname aktivitaetsname aktivitatid prozessschritt arbeitsschritt "
        # French
        "activite nomactivite libelleactivite etape tache "
        # Dutch
        "activiteit activiteitnaam processtap handeling taak "
        # Spanish
        "actividad nombreactividad nombredelaactividad tarea paso"
    ),
    "timestamp": (
        # UiPath, Camunda, ServiceNow, Jira, Pega, others
        "eventend endedat completedat finishedat sysupdatedon sysupdatedat syscreatedon occurredat eventat "
        "changedat changedon loggedat pxtimecreated created end finish ended completed finished endts ts "
        "eventdatetime activitytime activitytimestamp activityend eventtimeutc "
        # German
        "zeitstempel zeitpunkt ende endzeit endezeit endzeitpunkt ereigniszeit abschlusszeit "
        # French
        "horodatage horodate datefin heurefin datedefin dateheure datehorodatage fin "
        # Dutch
        "tijdstip tijdstempel eindtijd einddatum eindtijdstip datumtijd "
        # Spanish
        "marcadetiempo marcatiempo marcatemporal fechafin fechahora fechahorafin fechayhora horafin"
    ),
    "start_timestamp": (
        "eventstart startedat begunat startedon started begun beginning startts startdatetime activitystart "
        "beginn startzeit startzeitpunkt anfang anfangszeit startdatum "
        "debut datedebut heuredebut datededebut "
        "starttijd begintijd begindatum starttijdstip "
        "inicio fechainicio horainicio fechahorainicio fechadeinicio"
    ),
    "resource": (
        # SAP, Celonis, Camunda, ServiceNow, Jira, UiPath, Pega
        "ernam usnam changedby assignedto assignee sysupdatedby author agent employee employeeid operator "
        "actor owner worker executedby performedby handledby "
        "bearbeiter benutzer benutzername ressource mitarbeiter sachbearbeiter anwender "
        "utilisateur agenttraitant intervenant executant "
        "medewerker gebruiker behandelaar uitvoerder "
        "recurso usuario responsable empleado ejecutor"
    ),
    "lifecycle": (
        "lifecyclestate lifecyclestatus eventlifecyclestate transitiontype lifecyclephase statustransition "
        "eventtransition lebenszyklus cycledevie levenscyclus ciclodevida registrationtype"
    ),
    "instance": (
        "instance instanceid activityinstancekey actinstid activityexecutionid taskid taskinstanceid "
        "workitemid eventmatching handlingid"
    ),
}
"""Names of further systems and languages: looked for where no name above is there, and only taken where
what the column holds fits the role; said in a note."""

KNOWN = {role: frozenset(names.split()) for role, names in _KNOWN.items()}
LATER = {role: frozenset(names.split()) for role, names in _LATER.items()}

DATES = ("date", "eventdate", "datum", "fecha")
"""Names of a time where there is nothing better."""

_COUNTERS = (
    "sorting activityorder eventorder eventindex eventnr eventnumber eventno eventseq sequence "
    "sequencenumber sequenceno sequencenr seq seqno seqnr position ordinal eventposition "
    "stepno stepnumber stepnr reihenfolge volgnummer ordre orden order sortorder sortkey"
)
COUNTERS = frozenset(_COUNTERS.split())
"""Names of a column that numbers events, so that equal times can be told apart."""
RANKS = frozenset({"sorting", "activityorder", "sortorder", "sortkey"})
"""Those of them that are made for this alone, as Celonis and UiPath do: they may be a rank of the activity,
and need not grow with time."""


def plain(name: str) -> str:
    """The letters and digits of a name, in lower case and without accents."""
    letters = unicodedata.normalize("NFKD", name)
    return re.sub(r"[\W_]+", "", "".join(c for c in letters if not unicodedata.combining(c))).lower()


def is_known(role: str, name: str) -> bool:
    """Whether a column of this name is found for a role, whatever it holds."""
    return name in EXACT[role] or plain(name) in KNOWN[role]


def is_later(role: str, name: str) -> bool:
    """Whether a column of this name is found for a role where no better name is there and its values fit."""
    return plain(name) in LATER[role]
