"""Parts of logs that were read apart, put together: what one pass over all of them would have counted.

Parts are merged in the order in which one pass would read them, as the first attempt of a group gives
its example and diagnosis. Counts of attempts are exact always, names and kinds as long as no bound
of `todoku.logs.sums` is met; beyond, `partial` says so, as it does in one pass.

Not merged here: `todoku.logs.daily`, which counts a mail once a day across all files, and senders of
which only an earlier part tells (`todoku.logs.messages`). Recipients are the same in all parts only
where they are hashed with the same key.
"""

from __future__ import annotations

import copy

from todoku.logs import sums as bounds
from todoku.logs.run import Counts
from todoku.logs.sums import Group, Key, Sums


def merge_counts(into: Counts, part: Counts) -> None:
    """Adds what was read of a further part; `part` stays as it is."""
    into.lines += part.lines
    into.other_programs += part.other_programs
    into.unknown += part.unknown
    into.sent += part.sent
    into.bounced += part.bounced
    into.deferred += part.deferred
    into.expired += part.expired
    into.jumps += part.jumps
    into.first = _least(into.first, part.first)
    into.last = _most(into.last, part.last)
    into.formats |= part.formats


def merge_sums(into: Sums, part: Sums) -> None:
    """Adds the groups of a further part; `part` stays as it is."""
    into.undecided += part.undecided
    into.partial = into.partial or part.partial
    for key, group in part.groups.items():
        _add(into, _place(into, key, group), group)


def _place(into: Sums, key: Key, group: Group) -> Group:
    """The group that takes up `group`: chosen as `Sums` chooses for an attempt."""
    mine = into.groups.get(key)
    if mine is None and len(into.groups) >= bounds.MOST_GROUPS:
        into.partial = True
        key = (group.diagnosis.receiver, group.diagnosis.reason)
        mine = into.groups.get(key)
    if mine is None:
        mine = into.groups[key] = copy.copy(group)
        mine.bounced = mine.deferred = 0
        mine.buckets, mine.recipients = {}, set()
        mine.senders, mine.domains, mine.hosts = {}, {}, {}
    return mine


def _add(into: Sums, mine: Group, group: Group) -> None:
    mine.bounced += group.bounced
    mine.deferred += group.deferred
    mine.first = _least(mine.first, group.first)
    mine.last = _most(mine.last, group.last)
    for bucket, n in group.buckets.items():
        into._count(mine.buckets, bucket, n)
    for recipient in group.recipients:
        if recipient not in mine.recipients and into._room():
            mine.recipients.add(recipient)
    for name, n in group.senders.items():
        into._count(mine.senders, name, n)
    for name, n in group.domains.items():
        into._count(mine.domains, name, n)
    for name, n in group.hosts.items():
        into._count(mine.hosts, name, n)


def _least(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _most(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)
