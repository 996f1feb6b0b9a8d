"""What one's own logs tell of refusals opens a case where there is none. A log says how many there were,
not which of them a case counts already: so it adds nothing to a case that is open, and a person who
reads the same log again changes nothing."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from todoku.cases.joining import Sighting
from todoku.cases.records import Recorded
from todoku.serve.orders import Notice
from todoku.settings.own import Own
from todoku.store.cases import Desk


def notice(order: Notice, desk: Desk, own: Own, now: datetime) -> tuple[Recorded, ...]:
    """What was recorded: nothing where the case is open, was over later than this, or is not ours."""
    ours = tuple(i for i in order.refused.identities if own.tells(i))
    if not ours or order.refused.place is None:
        return ()
    said = {"at": now, "by": order.by, "source": order.source, "identities": ours}
    refused = replace(order.refused, proof="log", **said)
    diagnosed = replace(order.diagnosed, **said)
    keys = Sighting(identities=ours, place=refused.place).strong
    for number in filter(None, map(desk.find, keys)):
        closed = desk.case(number).closed
        if closed is None or refused.last <= closed.at:
            return ()
    return desk.see(refused, diagnosed, order=order.source)
