"""The purchase-to-pay process: one step at a time, for all cases at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulator import company as co
from simulator.anomaly import Anomaly, Injector
from simulator.draws import Draws, Ints, Mask
from simulator.worktime import DAY, HOUR, WorkTime, seconds_of

MINUTE = 60
LARGE_AMOUNT = 20_000_00
"""From this amount (in cents) on, the director approves instead of the manager."""
SMALL_AMOUNT = 1_000_00
"""Below this amount (in cents), no payment approval is asked for."""

PAID_ON_TIME, PAID_LATE, REJECTED, NO_OUTCOME = "paid on time", "paid late", "rejected", ""


@dataclass(frozen=True)
class Cases:
    """What is known of each case from its start; every array is (cases,). Amounts are in cents."""

    arrival: Ints
    department: Ints
    category: Ints
    vendor: Ints
    amount: Ints
    terms: Ints

    def __len__(self) -> int:
        return len(self.arrival)


@dataclass(frozen=True)
class Events:
    """Events by case and time; rows `offsets[i]:offsets[i + 1]` are case i. Times count from FIRST_DAY."""

    offsets: Ints
    activity: Ints
    time: Ints
    resource: Ints


@dataclass(frozen=True)
class SimulatedLog:
    """A log with all that is known of it: attributes, events, anomalies by case, outcomes, running cases."""

    first_number: int
    cases: Cases
    events: Events
    anomalies: dict[int, Anomaly]
    outcomes: list[str]
    is_running: Mask

    def case_id(self, case: int) -> str:
        """The identifier of a case."""
        return f"PR-{self.first_number + case:06d}"


@dataclass(frozen=True)
class Period:
    """When cases arrive (first day, day after the last) and the log ends; whether new things appear in it."""

    first: date
    arrivals_end: date
    end: date
    has_news: bool
    anomaly_permille: int


FIRST_PERIOD = Period(co.FIRST_DAY, co.END_DAY, co.END_DAY, has_news=False, anomaly_permille=50)
NEW_PERIOD = Period(co.END_DAY, co.NEW_ARRIVALS_END_DAY, co.NEW_END_DAY, has_news=True, anomaly_permille=100)


def simulate(cases: int = 1200, seed: int = 0) -> tuple[SimulatedLog, SimulatedLog]:
    """The sample log, and a later one with a twentieth of the cases, none of them in the first."""
    work = WorkTime()
    first = _simulate_period(FIRST_PERIOD, cases, Draws(seed, 0), work)
    later = _simulate_period(NEW_PERIOD, max(cases // 20, 1), Draws(seed, 1), work, 100_001 + cases)
    return first, later


def _simulate_period(
    period: Period, size: int, draws: Draws, work: WorkTime, first_number: int = 100_001
) -> SimulatedLog:
    cases = _draw_cases(period, size, draws)
    flow = _Flow(cases, period, draws, work)
    flow.run()
    events, is_running = _cut(flow.events(), seconds_of(period.end))
    injector = Injector(seconds_of(period.end), period.anomaly_permille, draws, work)
    arrays, anomalies = injector.inject((events.offsets, events.activity, events.time, events.resource))
    events = Events(*arrays)
    outcomes = _outcomes(events, flow.due, flow.is_rejected, is_running)
    return SimulatedLog(first_number, cases, events, anomalies, outcomes, is_running)


def _draw_cases(period: Period, size: int, draws: Draws) -> Cases:
    days = [period.first + timedelta(day) for day in range((period.arrivals_end - period.first).days)]
    weights = np.array(
        [
            co.ARRIVALS_BY_WEEKDAY[day.weekday()]
            * co.ARRIVALS_BY_MONTH[day.month - 1]
            * (co.HOLIDAY_PERCENT if day in co.HOLIDAYS else 100)
            for day in days
        ],
        dtype=np.int64,
    )
    day = draws.weighted(weights // 100, size) + (period.first - co.FIRST_DAY).days
    second = draws.weighted(co.ARRIVALS_BY_HOUR, size) * HOUR + draws.below(HOUR, size)
    department = draws.weighted(co.DEPARTMENT_WEIGHTS, size)
    category, vendor, amount = (np.zeros(size, dtype=np.int64) for _ in range(3))
    for number in range(len(co.DEPARTMENTS)):
        here = department == number
        weights = np.array([kind.department_weights[number] for kind in co.CATEGORIES])
        category[here] = draws.weighted(weights, int(here.sum()))
    for number, kind in enumerate(co.CATEGORIES):
        here = category == number
        offers = np.array([row for row, seller in enumerate(co.VENDORS) if seller.category == number])
        weights = np.array([co.VENDORS[row].weight for row in offers])
        vendor[here] = offers[draws.weighted(weights, int(here.sum()))]
        amount[here] = draws.lognormal(kind.median_amount * 100, kind.sigma, int(here.sum()))
    terms = np.array([seller.terms for seller in co.VENDORS], dtype=np.int64)[vendor]
    return Cases(np.sort(day * DAY + second), department, category, vendor, amount, terms)


class _Flow:
    """The state of a run: where each case stands in time, and the events so far."""

    def __init__(self, cases: Cases, period: Period, draws: Draws, work: WorkTime) -> None:
        self.cases, self.period, self.draws, self.work = cases, period, draws, work
        self.time = cases.arrival.copy()
        self.everyone = np.arange(len(cases))
        self.requester = np.zeros(len(cases), dtype=np.int64)
        self.due = np.zeros(len(cases), dtype=np.int64)
        self.is_rejected = np.zeros(len(cases), dtype=np.bool_)
        self._chunks: list[tuple[Ints, Ints, Ints, Ints]] = []
        months = [(co.FIRST_DAY + timedelta(day)).month for day in range(co.N_DAYS)]
        self._busy = np.array([co.WAIT_PERCENT_BY_MONTH[month - 1] for month in months], dtype=np.int64)
        is_service = np.array([kind.is_service for kind in co.CATEGORIES])
        is_inspected = np.array([kind.is_inspected for kind in co.CATEGORIES])
        self.is_service, self.is_inspected = is_service[cases.category], is_inspected[cases.category]
        self.is_catalogue = np.array([kind.is_catalogue for kind in co.CATEGORIES])[cases.category]
        self.is_electronic = np.array([seller.is_electronic for seller in co.VENDORS])[cases.vendor]

    def run(self) -> None:
        """Play every case to its end."""
        approved = self._requisition()
        self._order(approved)
        goods = self._delivery(approved, self.time[approved])
        invoiced, ready = self._first_invoice(approved, goods)
        self.time[approved] = np.maximum(invoiced, ready) + 1
        payable = self._match(approved)
        self._approve_payment(payable)
        self._pay(payable)

    def events(self) -> Events:
        """All events so far, by case and time; events of one moment in order of the process."""
        case, activity, time, resource = (
            np.concatenate(column) for column in zip(*self._chunks, strict=True)
        )
        order = np.lexsort((time, case))
        offsets = np.concatenate(([0], np.cumsum(np.bincount(case, minlength=len(self.cases)))))
        return Events(offsets.astype(np.int64), activity[order], time[order], resource[order])

    def _emit(self, case: Ints, activity: int, time: Ints, resource: Ints) -> None:
        self._chunks.append((case, np.full(len(case), activity), time, resource))

    def _task(self, case: Ints, activity: int, role: str | Ints, wait: tuple[float, float]) -> None:
        """One activity of these cases: waits in working time, longer in busy months, then emits.

        `role` is a role to pick from, or the resources themselves; `wait` is median hours and spread.
        """
        now = self.time[case]
        resource = self.work.pick(self.draws, role, now) if isinstance(role, str) else role
        seconds = self.draws.lognormal(wait[0] * HOUR, wait[1], len(case)) * self._busy[now // DAY] // 100
        self.time[case] = self.work.add(
            resource, now, seconds + MINUTE + self.draws.below(5 * MINUTE, len(case))
        )
        self._emit(case, activity, self.time[case], resource)

    def _some(self, case: Ints, permille: int | Ints) -> Ints:
        return case[self.draws.chance(permille, len(case))]

    def _without(self, case: Ints, gone: Ints) -> Ints:
        stays = np.ones(len(self.cases), dtype=np.bool_)
        stays[gone] = False
        return case[stays[case]]

    def _approvers(self, case: Ints) -> Ints:
        """The manager of the case's department; the director for large amounts and long absences."""
        managers = np.concatenate(
            [self.work.role(f"manager {number}") for number in range(len(co.DEPARTMENTS))]
        )
        manager, director = managers[self.cases.department[case]], self.work.role("director")[0]
        is_large = self.cases.amount[case] >= LARGE_AMOUNT
        return np.where(is_large | (self.work.days_away(manager, self.time[case]) > 3), director, manager)

    def _requisition(self) -> Ints:
        """Requisition to approval, with changes and rejections; the approved cases."""
        for number in range(len(co.DEPARTMENTS)):
            here = np.flatnonzero(self.cases.department == number)
            self.requester[here] = self.work.pick(self.draws, f"requester {number}", self.time[here])
        self._emit(self.everyone, co.CREATE_REQUISITION, self.time.copy(), self.requester)
        drifted = self.everyone[self.time >= seconds_of(co.DRIFT_DAY)]
        self._task(drifted, co.CHECK_BUDGET, "controller", (2.5, 0.9))
        returned = self._some(self.everyone, 90)
        self._task(returned, co.CHANGE_REQUISITION, self.requester[returned], (7.0, 0.8))
        again = self._some(returned, 180)
        self._task(again, co.CHANGE_REQUISITION, self.requester[again], (6.0, 0.8))
        rejected = self._some(self.everyone, 35)
        self._task(rejected, co.REJECT_REQUISITION, self._approvers(rejected), (9.0, 0.9))
        self.is_rejected[rejected] = True
        approved = self._without(self.everyone, rejected)
        self._task(approved, co.APPROVE_REQUISITION, self._approvers(approved), (4.5, 1.1))
        return approved

    def _order(self, case: Ints) -> None:
        """Purchase order, now and then changed and approved again, then sent."""
        is_catalogue = self.is_catalogue[case]
        self._task(case[is_catalogue], co.CREATE_ORDER, "system", (0.2, 0.6))
        self._task(case[~is_catalogue], co.CREATE_ORDER, "buyer", (5.0, 1.0))
        changed = self._some(case[~is_catalogue], 70)
        self._task(changed, co.CHANGE_ORDER, "buyer", (3.0, 0.8))
        self._task(changed, co.APPROVE_REQUISITION, self._approvers(changed), (4.0, 1.0))
        self._task(case[is_catalogue], co.SEND_ORDER, "system", (0.1, 0.4))
        self._task(case[~is_catalogue], co.SEND_ORDER, "buyer", (1.2, 0.9))

    def _lead(self, case: Ints) -> Ints:
        """Seconds from order to delivery, by vendor, (cases,)."""
        seconds = np.zeros(len(case), dtype=np.int64)
        for number, seller in enumerate(co.VENDORS):
            here = self.cases.vendor[case] == number
            seconds[here] = self.draws.lognormal(seller.lead_days * DAY, 0.45, int(here.sum()))
        return seconds

    def _delivery(self, case: Ints, sent: Ints) -> Ints:
        """Goods or services, with partial deliveries and inspection; when each vendor first delivered."""
        self.time[case] = sent + self._lead(case)
        arrived = self.time[case].copy()
        service, goods = case[self.is_service[case]], case[~self.is_service[case]]
        self._task(service, co.CONFIRM_SERVICE, self.requester[service], (6.0, 0.9))
        self._task(goods, co.RECEIVE_GOODS, "storekeeper", (1.5, 0.8))
        if self.period.has_news:
            news = self._some(goods, 300)
            self._task(news, co.SCAN_DELIVERY_NOTE, "newcomer", (1.0, 0.5))
        partial = self._some(goods, 95)
        self.time[partial] += self.draws.lognormal(3 * DAY, 0.6, len(partial))
        self._task(partial, co.RECEIVE_GOODS, "storekeeper", (1.5, 0.8))
        inspected = goods[self.is_inspected[goods]]
        self._task(inspected, co.INSPECT_GOODS, "inspector", (4.0, 0.8))
        return arrived

    def _first_invoice(self, case: Ints, delivered: Ints) -> tuple[Ints, Ints]:
        """The first invoice, which comes before or after the goods; its time, and that of the goods."""
        ready = self.time[case].copy()
        posted = delivered - 2 * DAY + self.draws.lognormal(3.2 * DAY, 0.8, len(case))
        self.time[case] = np.maximum(posted, delivered - self._lead(case) // 2)
        self._receive_invoice(case)
        self.due[case] = (self.time[case] // DAY + self.cases.terms[case] + 1) * DAY
        return self.time[case].copy(), ready

    def _receive_invoice(self, case: Ints) -> None:
        is_electronic = self.is_electronic[case]
        self._task(case[is_electronic], co.RECEIVE_INVOICE, "system", (0.2, 0.8))
        self._task(case[~is_electronic], co.RECEIVE_INVOICE, "clerk", (2.5, 0.9))

    def _match(self, case: Ints) -> Ints:
        """Order, delivery and invoice matched; wrong invoices queried and sent anew. The matched cases."""
        faults = np.array([seller.faults for seller in co.VENDORS])[self.cases.vendor]
        self._task(case, co.MATCH_INVOICE, "clerk", (6.0, 1.0))
        wrong = self._some(case, faults[case] + 60 * (self.cases.amount[case] >= LARGE_AMOUNT))
        for _ in range(3):
            self._task(wrong, co.QUERY_VENDOR, "clerk", (3.0, 0.9))
            self.time[wrong] += self.draws.lognormal(4 * DAY, 0.7, len(wrong))
            refused = self._some(wrong, 90)
            self._task(refused, co.REJECT_INVOICE, self._approvers(refused), (5.0, 0.8))
            self.is_rejected[refused] = True
            case, wrong = self._without(case, refused), self._without(wrong, refused)
            self._receive_invoice(wrong)
            self._task(wrong, co.MATCH_INVOICE, "clerk", (5.0, 0.9))
            wrong = self._some(wrong, 160)
        return case

    def _approve_payment(self, case: Ints) -> None:
        asked = case[self.cases.amount[case] >= SMALL_AMOUNT]
        self._task(asked, co.APPROVE_PAYMENT, self._approvers(asked), (7.0, 1.0))
        doubted = self._some(asked, 50)
        self._task(doubted, co.MATCH_INVOICE, "clerk", (6.0, 0.9))
        self._task(doubted, co.APPROVE_PAYMENT, self._approvers(doubted), (5.0, 0.9))

    def _pay(self, case: Ints) -> None:
        """Paid in the next run, or in one of the last runs before the due day when there is time left."""
        waits = self.draws.chance(700, len(case))
        planned = self.due[case] - (3 + self.draws.below(6, len(case))) * DAY
        ready = np.where(waits, np.maximum(self.time[case], planned), self.time[case])
        resource = self.work.pick(self.draws, "treasurer", ready)
        time = self.work.add(resource, ready, self.draws.below(40 * MINUTE, len(case)))
        self._emit(case, co.PAY_INVOICE, time, resource)


def _cut(events: Events, end: int) -> tuple[Events, Mask]:
    """The events before `end`, and the cases that go on after it."""
    seen = events.time < end
    case = np.repeat(np.arange(len(events.offsets) - 1), np.diff(events.offsets))
    lengths = np.bincount(case[seen], minlength=len(events.offsets) - 1)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    kept = Events(offsets, events.activity[seen], events.time[seen], events.resource[seen])
    return kept, lengths < np.diff(events.offsets)


def _outcomes(events: Events, due: Ints, is_rejected: Mask, is_running: Mask) -> list[str]:
    """How each case ended, by its first payment; running cases have no outcome yet."""
    case = np.repeat(np.arange(len(due)), np.diff(events.offsets))
    paid = events.activity == co.PAY_INVOICE
    payment = np.zeros(len(due), dtype=np.int64)
    payment[case[paid][::-1]] = events.time[paid][::-1]
    names = np.where(payment < due, PAID_ON_TIME, PAID_LATE)
    names = np.where(is_rejected, REJECTED, names)
    return [str(name) for name in np.where(is_running, NO_OUTCOME, names)]
