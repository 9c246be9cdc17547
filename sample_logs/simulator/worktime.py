"""Working time: seconds that a resource is at work, over weekends, holidays, breaks and absences."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.company import FIRST_DAY, HOLIDAYS, N_DAYS, PEOPLE, Person
from simulator.draws import Draws, Ints

DAY = 86_400
HOUR = 3_600


def day_number(day: date) -> int:
    """Days since the calendar's first day."""
    return (day - FIRST_DAY).days


def seconds_of(day: date) -> int:
    """Midnight of this day, in seconds since the calendar's first day."""
    return day_number(day) * DAY


def _working_days(person: Person) -> Ints:
    """1 on the days on which this person works, else 0, (N_DAYS,)."""
    days = [FIRST_DAY + timedelta(number) for number in range(N_DAYS)]
    absences = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in person.absences]
    holidays = frozenset(HOLIDAYS) if person.role != "system" else frozenset()
    return np.array(
        [
            day.weekday() in person.shift.weekdays
            and day not in holidays
            and not any(first <= day <= last for first, last in absences)
            for day in days
        ],
        dtype=np.int64,
    )


class WorkTime:
    """The calendars of all resources as arrays, and arithmetic on them. Resources are rows of PEOPLE."""

    def __init__(self) -> None:
        hours = np.array([person.shift[1:] for person in PEOPLE])
        start, morning_end, afternoon, end = (hours * HOUR).astype(np.int64).T
        self._start, self._morning = start, morning_end - start
        self._pause, self._afternoon = afternoon - morning_end, end - afternoon
        self._length = self._morning + self._afternoon
        self._works = np.stack([_working_days(person) for person in PEOPLE])
        self._before = np.cumsum(self._works, axis=1) - self._works
        self._nth = np.full((len(PEOPLE), N_DAYS), N_DAYS - 1, dtype=np.int64)
        for row, works in enumerate(self._works):
            days = np.flatnonzero(works)
            self._nth[row, : len(days)] = days
        self._roles: dict[str, Ints] = {
            role: np.array([row for row, person in enumerate(PEOPLE) if person.role == role], dtype=np.int64)
            for role in sorted({person.role for person in PEOPLE})
        }

    def worked(self, resource: Ints, time: Ints) -> Ints:
        """Seconds at work from the first day until `time`."""
        day = time // DAY
        since = time - day * DAY - self._start[resource]
        morning, afternoon = self._morning[resource], self._afternoon[resource]
        late = since - morning - self._pause[resource]
        today = np.clip(since, 0, morning) + np.clip(late, 0, afternoon)
        total: Ints = (
            self._before[resource, day] * self._length[resource] + self._works[resource, day] * today
        )
        return total

    def add(self, resource: Ints, time: Ints, seconds: Ints) -> Ints:
        """The moment at which the resource has worked `seconds` more than at `time`."""
        total = self.worked(resource, time) + seconds
        day = total // self._length[resource]
        rest = total - day * self._length[resource]
        pause = np.where(rest >= self._morning[resource], self._pause[resource], 0)
        time_of_day: Ints = self._start[resource] + rest + pause
        midnight: Ints = self._nth[resource, day] * DAY
        return midnight + time_of_day

    def is_at_work(self, resource: Ints, time: Ints) -> Ints:
        """1 where the resource is at work at this moment, else 0."""
        return self.worked(resource, time + 1) - self.worked(resource, time)

    def days_away(self, resource: Ints, time: Ints) -> Ints:
        """Days from `time` until the resource's next working day, 0 if it works today."""
        day = time // DAY
        next_day: Ints = self._nth[resource, self._before[resource, day]]
        return next_day - day

    def role(self, name: str) -> Ints:
        """The resources of this role."""
        return self._roles[name]

    def pick(self, draws: Draws, name: str, time: Ints) -> Ints:
        """One resource of the role for each time; who is away for over three days is stood in for."""
        members = self.role(name)
        chosen = draws.weighted([PEOPLE[row].weight for row in members], len(time))
        for _ in range(len(members) - 1):
            away = self.days_away(members[chosen], time) > 3
            chosen = np.where(away, (chosen + 1) % len(members), chosen)
        return members[chosen]
