"""One mailbox, read from where it was left: into the store, and only then marked or moved.

The store remembers for each folder its UIDVALIDITY and the last UID taken, in the transaction that
keeps the messages. So a `serve` that is killed takes nothing twice and leaves nothing out; where the
server numbers a folder anew, what is read again counts once, by its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from todoku.i18n import Sentence
from todoku.serve.mailboxes.session import Selected, Session
from todoku.serve.mailboxes.trouble import WORDS, Cut, NotFetched, Trouble
from todoku.settings.mailboxes import Mailbox
from todoku.store import Overtaken, messages
from todoku.store.cases import Desk
from todoku.store.positions import Position, Positions

BATCH: Final = 200
OCTETS: Final = 16 << 20
"""Messages, and octets of them, that are taken at once."""
AGE: Final = messages.KEEP
"""How old a message may be that is taken when a folder is read for the first time: what is older
would be forgotten."""
MOST_OWED: Final = 20

Tell = Callable[[Sentence, dict[str, object]], object]


class Reader:
    def __init__(
        self,
        box: Mailbox,
        desk: Desk,
        now: Callable[[], datetime],
        tell: Tell,
        *,
        taken: Callable[[], object] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`tell`: what a person should know, while the rest goes on. `taken`: called when there is
        something new in the store. `stopped`: asked between batches."""
        self._folders = [
            _Folder(box, folder, desk, now, tell, taken, stopped) for folder in box.folders
        ]

    def read(self, session: Session) -> int:
        """Returns how many messages were taken. A folder that cannot be read does not stop the
        others; then raises `Trouble`. Raises `StoreError`."""
        count = 0
        trouble: Trouble | None = None
        for folder in self._folders:
            try:
                for taken in folder.visit(session):
                    count += taken
            except Cut:
                raise
            except Overtaken:
                pass  # another worker reads it
            except Trouble as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return count


class _Folder:
    """A folder, and how far it is read."""

    def __init__(
        self,
        box: Mailbox,
        folder: str,
        desk: Desk,
        now: Callable[[], datetime],
        tell: Tell,
        taken: Callable[[], object],
        stopped: Callable[[], bool],
    ) -> None:
        self._box = box
        self._folder = folder
        self._positions = Positions(desk)
        self._messages = messages.Mailbox(desk)
        self._now = now
        self._tell = tell
        self._taken = taken
        self._stopped = stopped
        self._alone = False
        """The server ended the connection in the middle of several messages: they are asked for one
        by one, until all are read."""
        self._cuts: dict[int, int] = {}
        """At which single message it did, and how often."""
        # Of a visit:
        self._session: Session
        self._at: Position
        self._stored: Position | None
        self._marks: bool

    def visit(self, session: Session) -> Iterator[int]:
        """What has come, in groups that fit the memory: how many messages each."""
        self._session = session
        # Read before the folder is opened: another worker may move it on, but not beyond that.
        self._stored = self._positions.get(self._box.account, self._folder)
        there = session.select(self._folder, write=self._box.after != "leave")
        self._marks = self._box.after != "leave" and there.writable
        if self._box.after != "leave" and not there.writable:
            self._say("read-only")
        self._at = self._begin(there)
        self._finish_marking()
        uids = session.above(self._at.taken)
        for start in range(0, len(uids), BATCH):
            for taken in self._take(uids[start : start + BATCH]):
                yield taken
                if self._stopped():
                    return
        self._alone = False
        if self._at.owed:
            yield self._take_owed()
        self._save()

    def _begin(self, there: Selected) -> Position:
        """Where to go on from."""
        old = self._stored
        if old is not None and old.validity == there.validity:
            backwards = there.next is not None and there.next <= old.taken
            if not backwards:
                return old
        if old is not None:
            self._say("renumbered", days=AGE.days)
        if not there.exists:
            last = (there.next or 1) - 1
        elif recent := self._session.since((self._now() - AGE).date()):
            last = recent[0] - 1
        else:
            last = self._session.last() if there.next is None else there.next - 1
        return Position(there.validity, last, last)

    # Taking

    def _take(self, uids: Sequence[int]) -> Iterator[int]:
        """What is no longer there is gone."""
        for group in self._groups(uids):
            bodies, owed, why = self._bodies([uid for uid, _ in group])
            self._check_owed(owed, why)
            most = self._session.most
            for uid, size in group:
                if size > most and len(bodies.get(uid, b"")) == most:
                    self._say("large", uid=uid, octets=size >> 20, most=most >> 20)
            self._keep(bodies, group[-1][0], (*self._at.owed, *owed))
            yield len(bodies)
        if uids[-1] > self._at.taken:
            self._keep({}, uids[-1], self._at.owed)

    def _groups(self, uids: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
        """UIDs and sizes."""
        sizes = self._sizes(uids)
        together = 1 if self._alone else BATCH
        group: list[tuple[int, int]] = []
        octets = 0
        for uid, size in sorted(sizes.items()):
            alone = size > self._session.most
            if group and (alone or octets + size > OCTETS or len(group) >= together):
                yield group
                group, octets = [], 0
            group.append((uid, size))
            octets += size
        if group:
            yield group

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Octets; of a message that has no size, more than is asked for at once."""
        try:
            return self._session.sizes(uids)
        except NotFetched:
            pass
        sizes: dict[int, int] = {}
        bad: list[int] = []
        for uid in uids:
            try:
                sizes |= self._session.sizes([uid])
            except NotFetched as error:
                sizes[uid] = self._session.most + 1
                bad.append(uid)
                self._check_ill(bad, str(error))
        return sizes

    def _bodies(self, uids: Sequence[int]) -> tuple[dict[int, bytes], list[int], str]:
        """What the server hands over, what it does not, and why."""
        bodies: dict[int, bytes] = {}
        owed: list[int] = []
        why = ""
        try:
            return self._fetch(uids), owed, why
        except NotFetched as error:
            if len(uids) == 1:
                return bodies, list(uids), str(error)
        for uid in uids:
            try:
                bodies |= self._fetch([uid])
            except NotFetched as error:
                owed.append(uid)
                why = str(error)
                if len(owed) > MOST_OWED:
                    break
        return bodies, owed, why

    def _fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Raises `NotFetched`, also for a message at which the server ended the connection twice."""
        alone, first = len(uids) == 1, uids[0]
        if alone and self._cuts.get(first, 0) > 1:
            raise NotFetched("the connection ended there twice")
        try:
            bodies = self._session.bodies(uids, cut=alone)
        except Cut:
            if alone:
                self._cuts[first] = self._cuts.get(first, 0) + 1
            self._alone = True
            raise
        missing = uids if not bodies else [uid for uid in uids if uid not in bodies]
        if missing and self._session.sizes(missing):
            raise NotFetched("no text")  # it is there, and the server shows nothing of it
        return bodies

    def _check_owed(self, owed: Sequence[int], why: str) -> None:
        if not owed:
            return
        self._check_ill([*self._at.owed, *owed], why)
        self._say("owed", uids=", ".join(map(str, owed)), why=why)

    def _check_ill(self, owed: Sequence[int], why: str) -> None:
        """So many, and it is the server that is ill, not a message: nothing is passed over."""
        if len(owed) > MOST_OWED:
            named = {"name": self._box.name, "folder": self._folder}
            raise Trouble(WORDS["too-many-owed"], why=why, **named)

    def _take_owed(self) -> int:
        """Those that the server did not hand over before."""
        owed = self._at.owed
        there = set(self._session.between(owed[0], owed[-1]))
        uids = [uid for uid in owed if uid in there]
        bodies, left, _ = self._bodies(uids) if uids else ({}, [], "")
        if len(left) < len(owed):
            self._keep(bodies, self._at.taken, left)
        return len(bodies)

    def _keep(self, bodies: dict[int, bytes], taken: int, owed: Sequence[int]) -> None:
        """In the store, with the position; then what is to be done in the mailbox."""
        marked = self._at.marked if self._box.after != "leave" else taken
        new = Position(self._at.validity, taken, marked, tuple(sorted(set(owed))))
        now = self._now()
        box, folder = self._box, self._folder
        also = self._positions.within(box.account, folder, self._stored, new, now.timestamp())
        self._messages.keep(bodies.values(), f"{box.origin}/{folder}", now, also=also)
        self._at = self._stored = new
        if bodies:
            self._taken()
            self._mark(sorted(bodies))

    # Marking

    def _finish_marking(self) -> None:
        """What a `serve` that was killed has taken and not marked."""
        first, last = self._at.marked + 1, self._at.taken
        if not self._marks or first > last:
            return
        uids = [uid for uid in self._session.between(first, last) if uid not in self._at.owed]
        for start in range(0, len(uids), BATCH):
            self._mark(uids[start : start + BATCH])
        if self._marks:
            self._at = self._at._replace(marked=last)

    def _mark(self, uids: Sequence[int]) -> None:
        """What cannot be marked is tried again at the next visit, and taking goes on."""
        if not self._marks:
            return
        try:
            if self._box.after == "move":
                self._session.move(uids, self._box.move_to)
            else:
                self._session.mark(uids)
        except Cut:
            raise
        except Trouble as error:
            self._marks = False
            self._tell(error.sentence, error.values)
            return
        self._at = self._at._replace(marked=max(uids[-1], self._at.marked))

    def _save(self) -> None:
        """The position, and that the folder was looked at."""
        box, at = self._box, self._now().timestamp()
        self._positions.put(box.account, self._folder, self._stored, self._at, at)
        self._stored = self._at

    def _say(self, key: str, **values: object) -> None:
        named = {"name": self._box.name, "server": self._box.server, "folder": self._folder}
        self._tell(WORDS[key], {**named, **values})
