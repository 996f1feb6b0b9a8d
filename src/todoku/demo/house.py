"""The administrator's todoku in the lab: its settings, its data folder, its service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from todoku import settings
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence
from todoku.knowledge import load
from todoku.lab import maildir
from todoku.lab.clock import Clock
from todoku.lab.world import CLEAN, LIST, LISTED, THIRD, Lab
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.serve import opening, service
from todoku.serve.trying import Found, Seek, received
from todoku.settings import Settings
from todoku.store.cases import Desk

ADMINISTRATOR: Final = "postmaster@hoge.test"
ELSEWHERE: Final = "postmaster@other.hoge.test"
"""His too, and the same mailbox; its mail leaves from the other address."""
OTHERS: Final = (ELSEWHERE, "postmaster@third.hoge.test")
SENDERS: Final = {LISTED: ADMINISTRATOR, CLEAN: ELSEWHERE, THIRD: OTHERS[1]}
"""As whom he sends from an address."""
CONTACT: Final = {"ja": "鈴木（メール管理者）", "en": "Suzuki, postmaster"}
DESK: Final = "microsoft-consumer/support"
"""Which todoku may write to by itself, where the scenario says so."""
WRONG_DESK: Final = "microsoft-365/delist-mail"
FILE: Final = "todoku.toml"


def settings_text(lab: Lab, lang: Language, clock: str | None = None) -> str:
    """A settings file for those who live in the lab; paths are relative to it. `clock`: that of
    the lab, for another process."""
    sections: dict[str, dict[str, object]] = {
        "general": {"language": lang, "use": "private", "data": "data"},
        "own": {
            "addresses": list(lab.addresses),
            "domains": ["hoge.test"],
            "helo": ["mx1.hoge.test"],
        },
        "dns": {"resolver": f"{lab.names.host}:{lab.names.port}"},
        "mail": {
            "relay": "{}:{}".format(*lab.submission),
            "sender": ADMINISTRATOR,
            "folder": str(lab.sender.mailbox(ADMINISTRATOR)),
            "log": [str(lab.sender.log.path)],
            "authserv": [lab.sender.name],
        },
        "contact": {"name": CONTACT[lang], "email": ADMINISTRATOR},
        **_cases(lab),
        "lab": {
            "port": str(lab.smtp_port),
            "list": LIST,
            "signer": lab.desk.domain,
            **({"desk": lab.desk.mailbox} if lab.scenario.by_mail else {}),
            **({} if clock is None else {"clock": clock}),
        },
    }
    return "\n".join(_toml(sections))


def _cases(lab: Lab) -> dict[str, dict[str, object]]:
    """Letters to a desk leave from the other address, where there are any. Nobody in the house writes
    to the receiver meanwhile, so probes have to do."""
    cases: dict[str, object] = {"proof": "trial" if lab.scenario.trials else "probe"}
    if lab.scenario.by_mail:
        cases["desk_relay"] = "{}:{}".format(*lab.other_submission)
        cases["write_to"] = [DESK] if lab.scenario.allowed else []
    return {"cases": cases}


def _toml(sections: dict[str, dict[str, object]]) -> Iterator[str]:
    for section, values in sections.items():
        yield f"[{section}]"
        # Texts and lists of texts: JSON writes them as TOML reads them.
        yield from (f"{key} = {json.dumps(v, ensure_ascii=False)}" for key, v in values.items())
        yield ""


def move_in(lab: Lab, folder: Path, lang: Language, clock: str | None = None) -> Settings:
    """Write the settings file, make the administrator's mailbox, and read the file back."""
    folder.mkdir(parents=True, exist_ok=True)
    box = lab.sender.mailbox(ADMINISTRATOR)
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True, exist_ok=True)
    for address in OTHERS:
        other = lab.sender.mailbox(address)
        if not other.exists():
            other.parent.mkdir(parents=True, exist_ok=True)
            other.symlink_to(box, target_is_directory=True)
    file = folder / FILE
    file.write_text(settings_text(lab, lang, clock), "utf-8")
    return settings.load(file, environ={})


class House(NamedTuple):
    settings: Settings
    desk: Desk
    diagnoser: Diagnoser
    service: service.Service

    @property
    def box(self) -> Path:
        """The administrator's mailbox."""
        return Path(self.settings.mail.folder or "")


def seeker(lab: Lab) -> Seek:
    """Looks into the folders of a mailbox of the administrator's at the receiver."""

    def seek(address: str, message_id: str) -> Found:
        folders: tuple[Literal["inbox", "junk"], ...] = ("inbox", "junk")
        for folder in folders:
            for path in maildir.messages(maildir.box(lab.hotmail.folder, address) / folder):
                data = path.read_bytes()
                if message_id.encode() in data:
                    return Found(folder, folder, received(data))
        return Found(None)

    return seek


@contextmanager
def opened(
    found: Settings, clock: Clock, lang: Language, seek: Seek | None = None
) -> Iterator[House]:
    """As `todoku serve` opens it, with the lab's clock. What goes wrong is raised. `seek`: into a
    mailbox at the receiver, instead of IMAP."""
    knowledge = load.knowledge()
    with ExitStack() as stack:
        stack.enter_context(opening.alone(found))
        desk = stack.enter_context(opening.desk(found))
        kept = stack.enter_context(Kept.open(Path(found.general.data)))
        terms = Terms(use=found.general.use)
        means = service.means(found, desk, knowledge, terms, kept, lang, clock)
        means = replace(means, seek=seek or means.seek)
        served = service.Service("demo", found, means, clock, tell=_raise)
        stack.callback(served.close)
        yield House(found, desk, means.diagnoser, served)


def _raise(sentence: Sentence, values: dict[str, object]) -> None:
    raise TodokuError(sentence, **values)
