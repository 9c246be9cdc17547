"""Who works in the company, when, what it buys and from whom. Every name is invented.

The company sits in Reykjavík, where the clock shows UTC all year: working hours in UTC need no summer time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

FIRST_DAY = date(2024, 1, 1)
N_DAYS = 1100
DRIFT_DAY = date(2024, 9, 2)
END_DAY = date(2025, 3, 1)
NEW_ARRIVALS_END_DAY = date(2025, 3, 22)
NEW_END_DAY = date(2025, 5, 1)

_HOLIDAYS_BY_YEAR = {
    2024: "01-01 03-28 03-29 04-01 04-25 05-01 05-09 05-20 06-17 08-05 12-24 12-25 12-26 12-31",
    2025: "01-01 04-17 04-18 04-21 04-24 05-01 05-29 06-09 06-17 08-04 12-24 12-25 12-26 12-31",
}
HOLIDAYS = tuple(
    date.fromisoformat(f"{year}-{day}") for year, days in _HOLIDAYS_BY_YEAR.items() for day in days.split()
)

ARRIVALS_BY_WEEKDAY = (125, 118, 108, 104, 78, 5, 2)
ARRIVALS_BY_MONTH = (88, 94, 108, 102, 100, 92, 66, 74, 110, 118, 128, 84)
ARRIVALS_BY_HOUR = (0, 0, 0, 0, 0, 1, 4, 14, 60, 95, 100, 82, 48, 80, 88, 72, 44, 14, 5, 3, 2, 1, 0, 0)
HOLIDAY_PERCENT = 4
WAIT_PERCENT_BY_MONTH = (105, 95, 95, 100, 95, 100, 135, 125, 100, 105, 115, 140)


class Shift(NamedTuple):
    """Working days (0 is Monday) and hours; the break lies between `morning_end` and `afternoon`."""

    weekdays: tuple[int, ...]
    start: float
    morning_end: float
    afternoon: float
    end: float


WEEK = (0, 1, 2, 3, 4)
OFFICE = Shift(WEEK, 8, 12, 12.75, 16.5)
EARLY_OFFICE = Shift(WEEK, 7.25, 11.75, 12.25, 15.5)
LATE_OFFICE = Shift(WEEK, 9, 12.5, 13.25, 17.5)
PART_TIME = Shift((0, 1, 2), 8.5, 12, 12.5, 15)
DEPOT = Shift((0, 1, 2, 3, 4, 5), 6, 10, 10.5, 14)
DEPOT_LATE = Shift(WEEK, 10, 14, 14.5, 18)
PAYMENT_RUN = Shift((1, 3), 13, 13.5, 13.5, 13.75)
ALWAYS = Shift((0, 1, 2, 3, 4, 5, 6), 0, 12, 12, 24)


@dataclass(frozen=True)
class Person:
    """A resource: role, cost centre, shift, how often picked, and absences as first and last day."""

    name: str
    role: str
    cost_centre: str
    shift: Shift = OFFICE
    weight: int = 10
    absences: tuple[tuple[str, str], ...] = ()


DEPARTMENTS = ("Production", "Maintenance", "IT", "Marketing", "Facilities")
DEPARTMENT_CENTRES = ("CC-1100", "CC-1200", "CC-2100", "CC-3100", "CC-4100")
DEPARTMENT_WEIGHTS = (34, 22, 18, 12, 14)

_SUMMER_A = ("2024-07-01", "2024-07-19")
_SUMMER_B = ("2024-07-15", "2024-08-02")
_SUMMER_C = ("2024-07-29", "2024-08-16")
_CHRISTMAS = ("2024-12-23", "2025-01-03")

PEOPLE = (
    Person("System", "system", "CC-2100", ALWAYS),
    *(
        Person(name, f"requester {department}", DEPARTMENT_CENTRES[department], shift)
        for department, name, shift in (
            (0, "Anna", OFFICE),
            (0, "Bjarni", EARLY_OFFICE),
            (0, "Dagur", OFFICE),
            (0, "Elín", LATE_OFFICE),
            (1, "Finnur", EARLY_OFFICE),
            (1, "Gunnar", EARLY_OFFICE),
            (1, "Halla", OFFICE),
            (2, "Ívar", LATE_OFFICE),
            (2, "Jóna", OFFICE),
            (3, "Katla", LATE_OFFICE),
            (3, "Lára", OFFICE),
            (4, "Magnús", EARLY_OFFICE),
            (4, "Nína", OFFICE),
        )
    ),
    Person("Oddur", "manager 0", "CC-1100", EARLY_OFFICE, absences=(_SUMMER_A, _CHRISTMAS)),
    Person("Páll", "manager 1", "CC-1200", OFFICE, absences=(_SUMMER_B,)),
    Person("Ragna", "manager 2", "CC-2100", LATE_OFFICE, absences=(_SUMMER_C, ("2024-11-11", "2024-11-15"))),
    Person("Stefán", "manager 3", "CC-3100", OFFICE, absences=(_SUMMER_B, ("2024-03-04", "2024-03-08"))),
    Person("Tinna", "manager 4", "CC-4100", EARLY_OFFICE, absences=(_SUMMER_A, ("2025-02-03", "2025-02-14"))),
    Person("Unnur", "director", "CC-9000", LATE_OFFICE, absences=(("2024-08-05", "2024-08-09"),)),
    Person("Valur", "controller", "CC-9100", OFFICE, 14, (_CHRISTMAS,)),
    Person("Yrsa", "controller", "CC-9100", PART_TIME, 6),
    Person("Ásta", "buyer", "CC-5100", OFFICE, 16, (_SUMMER_A,)),
    Person("Birgir", "buyer", "CC-5100", EARLY_OFFICE, 12, (_SUMMER_C, ("2024-10-14", "2024-10-25"))),
    Person("Edda", "buyer", "CC-5100", PART_TIME, 5),
    Person("Freyr", "buyer", "CC-5100", LATE_OFFICE, 9, (_SUMMER_B,)),
    Person("Garðar", "storekeeper", "CC-5200", DEPOT, 14, (_SUMMER_B,)),
    Person("Hekla", "storekeeper", "CC-5200", DEPOT_LATE, 10, (_SUMMER_A,)),
    Person("Jökull", "storekeeper", "CC-5200", DEPOT, 7, (("2024-04-08", "2024-05-03"),)),
    Person("Kristín", "inspector", "CC-5300", OFFICE, 12, (_SUMMER_C,)),
    Person("Logi", "inspector", "CC-5300", PART_TIME, 4),
    Person("María", "clerk", "CC-6100", OFFICE, 15, (_SUMMER_B,)),
    Person("Njáll", "clerk", "CC-6100", EARLY_OFFICE, 12, (_SUMMER_A, _CHRISTMAS)),
    Person("Ólöf", "clerk", "CC-6100", LATE_OFFICE, 10, (_SUMMER_C,)),
    Person("Pétur", "clerk", "CC-6100", PART_TIME, 4, (("2024-09-16", "2024-10-11"),)),
    Person("Rúna", "treasurer", "CC-6200", PAYMENT_RUN, 13, (_SUMMER_C,)),
    Person("Sindri", "treasurer", "CC-6200", PAYMENT_RUN, 7, (_SUMMER_A,)),
    Person("Sigrún", "newcomer", "CC-5200", OFFICE),
)


class Category(NamedTuple):
    """What is bought: amounts are lognormal about the median, in whole euros."""

    name: str
    is_service: bool
    is_inspected: bool
    is_catalogue: bool
    median_amount: int
    sigma: float
    department_weights: tuple[int, ...]


CATEGORIES = (
    Category("Raw materials", False, True, False, 6200, 0.8, (60, 10, 0, 0, 0)),
    Category("Spare parts", False, True, False, 1900, 1.0, (20, 60, 0, 0, 8)),
    Category("IT equipment", False, False, False, 2600, 0.9, (6, 6, 60, 14, 8)),
    Category("Office supplies", False, False, True, 280, 0.7, (10, 8, 14, 24, 44)),
    Category("Services", True, False, False, 3900, 1.0, (8, 22, 26, 60, 42)),
)


class Vendor(NamedTuple):
    """Whom it is bought from: `faults` is the share of wrong invoices in permille, `lead_days` a median."""

    name: str
    category: int
    weight: int
    terms: int
    lead_days: float
    faults: int
    is_electronic: bool


VENDORS = (
    Vendor("Alfa Metals", 0, 40, 30, 9, 110, True),
    Vendor("Borealis Polymers", 0, 25, 45, 14, 150, False),
    Vendor("Grindavik Timber", 0, 10, 14, 6, 220, False),
    Vendor("Cogwheel & Sons", 1, 30, 30, 5, 130, False),
    Vendor("Drivetrain Direct", 1, 28, 14, 3, 90, True),
    Vendor("Hydra Pumps", 1, 14, 30, 12, 260, False),
    Vendor("Byteworks", 2, 34, 30, 4, 80, True),
    Vendor("Circuit Supply", 2, 16, 14, 7, 170, False),
    Vendor("Papyrus", 3, 44, 14, 2, 60, True),
    Vendor("Quill & Ink", 3, 18, 30, 3, 120, False),
    Vendor("Lumen Agency", 4, 20, 30, 15, 160, False),
    Vendor("Northlight Consulting", 4, 18, 45, 21, 210, False),
    Vendor("Sparkle Cleaning", 4, 22, 14, 7, 90, True),
    Vendor("Vulcan Maintenance", 4, 20, 30, 10, 180, False),
)

ACTIVITIES = (
    "Create Requisition",
    "Check Budget",
    "Change Requisition",
    "Approve Requisition",
    "Reject Requisition",
    "Create Purchase Order",
    "Change Purchase Order",
    "Send Purchase Order",
    "Receive Goods",
    "Inspect Goods",
    "Confirm Service",
    "Receive Invoice",
    "Match Invoice",
    "Query Vendor",
    "Reject Invoice",
    "Approve Payment",
    "Pay Invoice",
    "Scan Delivery Note",
)
(
    CREATE_REQUISITION,
    CHECK_BUDGET,
    CHANGE_REQUISITION,
    APPROVE_REQUISITION,
    REJECT_REQUISITION,
    CREATE_ORDER,
    CHANGE_ORDER,
    SEND_ORDER,
    RECEIVE_GOODS,
    INSPECT_GOODS,
    CONFIRM_SERVICE,
    RECEIVE_INVOICE,
    MATCH_INVOICE,
    QUERY_VENDOR,
    REJECT_INVOICE,
    APPROVE_PAYMENT,
    PAY_INVOICE,
    SCAN_DELIVERY_NOTE,
) = range(len(ACTIVITIES))
