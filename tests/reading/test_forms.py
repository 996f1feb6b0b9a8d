"""Many systems' mails in their other forms (`forms/*.txt`): what must be read in each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from todoku.model import Refusal
from todoku.reading import read

FORMS = Path(__file__).resolve().parent / "forms"
STAGES = {"END OF DATA": "END", "RCPT TO": "RCPT", "MAIL FROM": "MAIL"}


class Form(NamedTuple):
    name: str
    wanted: list[tuple[list[str], str]]
    mail: bytes


def forms() -> list[Form]:
    found = []
    for path in sorted(FORMS.glob("*.txt")):
        for chunk in re.split(r"^%% ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            name, _, rest = chunk.partition("\n")
            wanted = []
            while rest.startswith("="):
                line, _, rest = rest.partition("\n")
                fields, _, words = line[1:].partition("|")
                wanted.append((fields.split(), words.strip()))
            found.append(Form(f"{path.stem}: {name}", wanted, rest.encode()))
    return found


def fields(r: Refusal) -> list[str]:
    what: str | None = r.action if r.kind == "refusal" else r.kind
    if r.kind == "complaint":
        what = f"complaint:{r.feedback_type}"
    stage = STAGES.get(r.stage or "", r.stage)
    told = (what, r.recipient, r.reply.code, r.reply.enhanced, stage, r.remote.host, r.remote.ip)
    return ["-" if one is None else str(one) for one in told]


@pytest.mark.parametrize("form", forms(), ids=lambda f: f.name)
def test_form(form: Form) -> None:
    found = read(form.mail)
    assert len(found) == len(form.wanted)
    for one, (wanted, words) in zip(found, form.wanted, strict=True):
        got = fields(one)
        assert [g if w == "?" else w for g, w in zip(got, wanted, strict=True)] == got
        if words != "?":
            assert words in one.reply.text


def report(recipients: list[str]) -> str:
    groups = "".join(
        f"\nFinal-Recipient: rfc822; {one}\nAction: failed\nStatus: 5.1.{n % 8 + 1}\n"
        f"Diagnostic-Code: smtp; 550 5.1.{n % 8 + 1} no {one} here\n"
        for n, one in enumerate(recipients)
    )
    return (
        "From: MAILER-DAEMON@here.example\nSubject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\n\nIt failed.\n\n--B\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mail.here.example\n{groups}\n--B--\n"
    )


HEAD = (
    "From: MAILER-DAEMON@here.example\nTo: taro@here.example\n"
    "Subject: Undelivered Mail Returned to Sender\n\n"
)


def as_exim(recipients: list[str]) -> str:
    return (
        HEAD
        + "A message that you sent could not be delivered. The following address(es) failed:\n\n"
        + "".join(
            f"  {one}\n    host mx.there.example [192.0.2.7]\n    SMTP error from remote mail server"
            f" after RCPT TO:<{one}>:\n    550 5.1.{n % 8 + 1} no {one} here\n"
            for n, one in enumerate(recipients)
        )
    )


def as_qmail(recipients: list[str]) -> str:
    return (
        HEAD
        + "Hi. This is the qmail-send program at here.example.\n\n"
        + "".join(
            f"<{one}>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 5.1.{n % 8 + 1}"
            f" no {one} here\nGiving up on 192.0.2.7.\n\n"
            for n, one in enumerate(recipients)
        )
        + "--- Below this line is a copy of the message.\n"
    )


def as_postfix(recipients: list[str]) -> str:
    return (
        HEAD
        + "This is the mail system at host mail.here.example.\n\n"
        + "".join(
            f"<{one}>: host mx.there.example[192.0.2.7] said: 550\n    5.1.{n % 8 + 1} no {one} here"
            " (in reply to RCPT TO command)\n\n"
            for n, one in enumerate(recipients)
        )
    )


def as_sendmail(recipients: list[str]) -> str:
    return (
        HEAD
        + "   ----- The following addresses had permanent fatal errors -----\n"
        + "".join(f"<{one}>\n" for one in recipients)
        + "\n   ----- Transcript of session follows -----\n... while talking to mx.there.example.:\n"
        + "".join(
            f">>> RCPT To:<{one}>\n<<< 550 5.1.{n % 8 + 1} no {one} here\n"
            f"550 5.1.{n % 8 + 1} <{one}>... User unknown\n"
            for n, one in enumerate(recipients)
        )
    )


@pytest.mark.parametrize("number", [1, 2, 3, 10, 60])
@pytest.mark.parametrize("write", [report, as_exim, as_qmail, as_postfix, as_sendmail])
def test_every_recipient_has_the_answer_that_is_its_own(write: object, number: int) -> None:
    assert callable(write)
    recipients = [f"user{n}@there.example" for n in range(number)]
    found = read(write(recipients).encode())
    assert [(r.recipient, r.reply.code, r.reply.enhanced, r.reply.text) for r in found] == [
        (one, 550, f"5.1.{n % 8 + 1}", f"550 5.1.{n % 8 + 1} no {one} here")
        for n, one in enumerate(recipients)
    ]
