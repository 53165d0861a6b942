"""Which run of the history is the one whose id was lost with the answer that named it.

Only judged here, from what the history shows, by the server's own clock. Each create that was
accepted has exactly one run; a run is given to a create if it goes to the same request in every way
in which all of them can have one.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from flora_runtime.operation import named
from flora_runtime.paths import at_path, text_at
from flora_runtime.retry import http_date
from flora_runtime.spend import amount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set
    from decimal import Decimal

    from flora_runtime.exchange import Answer
    from flora_runtime.ledger import Create
    from flora_runtime.operation import Recovery

_SLACK = 0.1
"""Seconds that a clock may be off which runs of known times have shown."""

_LOOSE = 10.0
"""Seconds that the dates of headers may be off against the times of runs."""

_STEP = 0.5
"""Seconds. Our clocks have not come apart by more, or what they told before is void."""

_REMEMBERED = 1000
_PLACES = 10


@frozen
class ServerClock:
    """By how many seconds the server's clock is ahead of ours, at the least and at the most."""

    least: float
    most: float
    slack: float

    @classmethod
    def of(cls, answer: Answer) -> ServerClock | None:
        """As its header shows it; None where there is none."""
        date = http_date(answer.headers.get("date"))
        if date is None:
            return None
        shown = date.timestamp()
        return cls(shown - wall(answer.received), shown + 1 - wall(answer.sent), _LOOSE)

    def window(self, create: Create) -> tuple[float, float]:
        """When the run of a create can have been started, at the earliest and at the latest."""
        slack = self.slack + create.stepped()
        ended = create.ended if create.ended is not None else time.time()
        return create.began + self.least - slack, ended + self.most + slack


ANY_TIME = ServerClock(-math.inf, math.inf, 0.0)
"""Of a server that tells no time."""


def wall(monotonic: float) -> float:
    """A time of the monotonic clock by the wall clock."""
    return time.time() - time.monotonic() + monotonic


class Timings:
    """When creates were sent whose answers named their runs. The times that the history shows of
    these runs tell how far the server's clock is from ours."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, float, float]] = OrderedDict()

    def note(self, run: str, answer: Answer) -> None:
        """The run, by kind and id, was created between sending and receiving, if there was one
        attempt only."""
        self._known[run] = wall(answer.sent), wall(answer.received), wall(0)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def clock(self, recovery: Recovery[Any], kind: str, items: Iterable[Any]) -> ServerClock | None:
        """What the history of a kind tells of the clock; None if it shows none of these runs."""
        least: list[float] = []
        most: list[float] = []
        for item in items:
            known = self._known.get(named(kind, text_at(item, recovery.id) or ""))
            moment = moment_of(at_path(item, recovery.created))
            if known is None or moment is None or abs(known[2] - wall(0)) > _STEP:
                continue
            least.append(moment.earliest - known[1])
            most.append(moment.latest - known[0])
        if not least:
            return None
        if max(least) > min(most) + _SLACK:  # several clocks, or one that was set
            return ServerClock(min(least), max(most), _SLACK)
        return ServerClock(max(least), min(most), _SLACK)


class Seen:
    """Runs that looks into the histories have shown, the newest of each place. Not to be used by
    two threads at once."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def of(self, place: str) -> dict[str, Any]:
        """Those of a place, by id."""
        return dict(self._runs.get(place, {}))

    def keep(self, place: str, runs: Mapping[str, Any]) -> None:
        """Remember the latest of them."""
        self._runs[place] = dict(list(runs.items())[-_REMEMBERED:])
        self._runs.move_to_end(place)
        if len(self._runs) > _PLACES:
            self._runs.popitem(last=False)


@frozen
class Finding:
    """What a look into the history showed."""

    reason: str
    window: tuple[float, float] | None = None
    candidates: Mapping[str, Any] = field(factory=dict[str, Any])
    """By id."""
    ours: Sequence[Any] = ()
    """Those of them that are a run of this request."""
    shown: Set[str] = frozenset()
    """Every run that was there, by id."""
    fresh: bool = False
    """What came after the create is shown already, and so would its own run be."""
    settled: bool = False
    """Nothing is under way that could make it plainer."""

    def agrees(self, before: Finding) -> bool:
        """Whether it shows no candidate that was not there before."""
        return before.window is not None and self.candidates.keys() <= before.shown


def judge(
    recovery: Recovery[Any],
    create: Create,
    others: Sequence[Create],
    items: Sequence[Any],
    taken: Mapping[str, str],
    clock: ServerClock,
    *,
    late: bool = False,
) -> Finding:
    """Which of the items can be the run of a create; those that are taken can be nobody else's, and
    show what each tariff costs.

    `late` says that a create whose run was not found in time may have none after all.
    """
    window = clock.window(create)
    shown = {str(at_path(item, recovery.id)): item for item in items}
    moments = {n: moment_of(at_path(item, recovery.created)) for n, item in shown.items()}
    prices = _prices(recovery, shown, taken)
    dear = {n: _elsewhere(amount_of(at_path(i, recovery.cost)), prices) for n, i in shown.items()}
    own = {c: _own(c, shown, moments, clock, dear) for c in (create, *others)}
    found = [c for c in others if c.state == "found"]
    for c in own:
        own[c] = _with_exchanged(c, found, own)
    own = {c: wish - taken.keys() for c, wish in own.items()}
    candidates = {run_id: item for run_id, item in shown.items() if run_id in own[create]}
    if not candidates:
        return Finding("the history does not show it", window, shown=shown.keys())
    rivals = [c for c in others if c.state in ({"accepted"} if late else {"accepted", "lost"})]
    unclear = [c for c in others if c.is_unclear and c.request == create.request]
    coming = {n for c in others for n in own[c] & own[create] if _may_name(c, moments[n], clock)}
    dated = {n for n in candidates if moments[n] is not None}
    ours = _ours(create, rivals, unclear, own, late=late) & dated - coming
    if not dated:
        reason = "the runs that can be it do not say when they were created"
    elif len(candidates) == 1:
        reason = "the one run that can be it can be another create's too"
    else:
        reason = f"{len(candidates)} of the newest runs can be it"
    return Finding(
        reason,
        window,
        candidates,
        [item for run_id, item in candidates.items() if run_id in ours],
        shown=shown.keys(),
        fresh=any(m is not None and m.earliest > window[1] for m in moments.values()),
        settled=not any(c.state in {"sent", "accepted"} and own[c] & own[create] for c in others),
    )


def _with_exchanged(
    create: Create, found: Sequence[Create], own: Mapping[Create, set[str]]
) -> set[str]:
    """The runs that a create can own, and those that an equal one left that took one of these."""
    reach = set(own[create])
    left = [c for c in found if c.request == create.request]
    while near := [c for c in left if c.run_id in reach]:
        reach = reach.union(*(own[c] for c in near))
        left = [c for c in left if c not in near]
    return reach


def _may_name(create: Create, moment: Moment | None, clock: ServerClock) -> bool:
    """Whether the answer that a create waits for can name a run of this time."""
    if create.state != "sent" or create.tried is None:
        return False
    return moment is None or moment.latest >= create.tried + clock.least - clock.slack


def _ours(
    create: Create,
    rivals: Sequence[Create],
    unclear: Sequence[Create],
    own: Mapping[Create, set[str]],
    *,
    late: bool,
) -> set[str]:
    """The runs that a create may take: those that go to its request however each create is given
    one, and without which each of the others can still have one."""
    sharing = _connected(create, rivals, own)
    served = _served([own[c] for c in sharing])
    if served < len(sharing) and not late:
        return set()
    ours = _always(create, sharing, own, served)
    for twin in unclear:  # equal to it: were it never accepted, no run would be left over for it
        if ours or not own[twin] & own[create]:
            continue
        with_twin = _served([own[c] for c in (*sharing, twin)])
        if with_twin > served:
            sharing.append(twin)
            served = with_twin
            ours = _always(create, sharing, own, served)
    others = [own[c] for c in sharing if c is not create]
    return {n for n in ours if _served([wish - {n} for wish in others]) == served - 1}


def _connected(
    create: Create, rivals: Sequence[Create], own: Mapping[Create, set[str]]
) -> list[Create]:
    """A create, and those that can own a run that it, or one of these, can own."""
    sharing, left = [create], list(rivals)
    reach = set(own[create])
    while near := [c for c in left if own[c] & reach]:
        sharing += near
        reach = reach.union(*(own[c] for c in near))
        left = [c for c in left if c not in near]
    return sharing


def _always(
    create: Create, sharing: Sequence[Create], own: Mapping[Create, set[str]], served: int
) -> set[str]:
    """The runs without which, for creates of the same request, fewer could have one."""

    def needed(run_id: str) -> bool:
        twins = [own[c] - {run_id} for c in sharing if c.request == create.request]
        rest = [own[c] for c in sharing if c.request != create.request]
        return _served([*twins, *rest]) < served

    return {run_id for run_id in own[create] if needed(run_id)}


def _served(wishes: Sequence[set[str]]) -> int:
    """How many can have one of what they wish for, each one being there once."""
    owner: dict[str, int] = {}

    def serve(number: int, asked: set[str]) -> bool:
        for run_id in wishes[number] - asked:
            asked.add(run_id)
            if run_id not in owner or serve(owner[run_id], asked):
                owner[run_id] = number
                return True
        return False

    return sum(serve(number, set()) for number in range(len(wishes)))


def reaches_back(recovery: Recovery[Any], items: Sequence[Any], since: float) -> bool:
    """Whether a page of the history ends before a point of time."""
    oldest = moment_of(at_path(items[-1], recovery.created)) if items else None
    return oldest is not None and oldest.latest < since


def _own(
    create: Create,
    shown: Mapping[str, Any],
    moments: Mapping[str, Moment | None],
    clock: ServerClock,
    dear: Mapping[str, Set[str]],
) -> set[str]:
    """The runs that a create can have started. `dear`: tariffs that a run does not cost."""
    earliest, latest = clock.window(create)

    def fits(run_id: str) -> bool:
        moment = moments[run_id]
        if moment is not None and (moment.latest < earliest or moment.earliest > latest):
            return False
        if create.tariff in dear[run_id]:
            return False
        found = {place: at_path(shown[run_id], place) for place in create.shown}
        return all(found[place] in (None, wanted) for place, wanted in create.shown.items())

    return {run_id for run_id in shown if fits(run_id)}


def _prices(
    recovery: Recovery[Any], shown: Mapping[str, Any], taken: Mapping[str, str]
) -> dict[str, set[Decimal]]:
    """What the runs that are known to be of a tariff cost."""
    prices: dict[str, set[Decimal]] = {}
    for run_id, tariff in taken.items():
        cost = amount_of(at_path(shown[run_id], recovery.cost))
        if cost is not None:
            prices.setdefault(tariff, set()).add(cost)
    return prices


def _elsewhere(cost: Decimal | None, prices: Mapping[str, set[Decimal]]) -> set[str]:
    """The tariffs that cost another amount each time, where this one is the price of another."""
    if not any(cost in seen for seen in prices.values()):
        return set()
    return {tariff for tariff, seen in prices.items() if len(seen) == 1 and cost not in seen}


@frozen
class Moment:
    """A time that is known as exactly as it was written."""

    earliest: float
    latest: float


def moment_of(value: object) -> Moment | None:
    """A time of the history; None if it is none. No document states its unit: seconds and
    milliseconds since 1970 are told apart by their size, and a date of ISO 8601 is one too."""
    try:
        if isinstance(value, str):
            date = datetime.fromisoformat(value)
            date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
            return _moment(date.timestamp(), 0.001 if date.microsecond else 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if value > 1e11:
            return _moment(value / 1000, 0.001)
        return _moment(float(value), 1.0 if float(value).is_integer() else 0.001)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(time: float, unit: float) -> Moment:
    return Moment(time, time + unit)
