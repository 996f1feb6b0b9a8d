"""Where a trial was put: in the inbox, or with the junk. Reads, and changes nothing."""

from __future__ import annotations

import time

from todoku.serve.mailboxes.login import Login, log_in
from todoku.serve.mailboxes.session import Session
from todoku.serve.mailboxes.trouble import Cut, Trouble
from todoku.serve.trying import Found, Seek, received
from todoku.settings import Settings
from todoku.settings.mailboxes import Mailbox

SECONDS = 10.0
"""For the server to say anything: `serve` waits for it."""
MOST = 1 << 20
"""Octets of a trial that are read."""


def by_name(settings: Settings) -> Seek:
    boxes = {box.name: box for box in settings.mailboxes}

    def seek(name: str, message_id: str) -> Found | None:
        box = boxes.get(name)
        return None if box is None else found_in(box, settings, message_id)

    return seek


def found_in(box: Mailbox, settings: Settings, message_id: str) -> Found:
    """Raises `Trouble`."""
    session = Session(box, seconds=SECONDS, most=MOST)
    try:
        log_in(session, Login(box, settings, time.time))
        junk = box.junk or session.junk()
        moved = (box.move_to,) if box.after == "move" and not set(junk) & set(box.folders) else ()
        inbox = dict.fromkeys(("INBOX", *box.folders, *moved))
        for folder in junk:
            if (there := _seek(session, folder, message_id, must=bool(box.junk))) is not None:
                return Found("junk", folder, there)
        for folder in inbox:
            if folder in junk:
                continue
            there = _seek(session, folder, message_id, must=folder == "INBOX")
            if there is not None:
                return Found("inbox", folder, there)
        return Found(None, knows_junk=bool(junk))
    finally:
        session.close()


def _seek(session: Session, folder: str, message_id: str, *, must: bool) -> tuple[str, ...] | None:
    """Its Received fields, if it is there. `must`: a folder that cannot be opened is an error."""
    try:
        session.select(folder, write=False)
    except Cut:
        raise
    except Trouble:
        if must:
            raise
        return None
    uids = session.named(message_id)
    if not uids:
        return None
    return received(session.bodies(uids[-1:], cut=True).get(uids[-1], b""))
