"""todoku as a library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import todoku
from todoku import model
from todoku.settings import Own

REPLY = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."
MAIL = f"""\
From: MAILER-DAEMON@mx1.ours.example (Mail Delivery System)
To: info@ours.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.ours.example

Final-Recipient: rfc822; taro@hotmail.com
Action: failed
Status: 5.0.0
Remote-MTA: dns; mx2.hotmail.com
Diagnostic-Code: smtp; {REPLY}

--b--
"""


@pytest.mark.parametrize("source", [REPLY, REPLY.encode(), bytearray(REPLY.encode()), MAIL])
def test_text_and_bytes(source: str | bytes) -> None:
    (d,) = todoku.diagnose(source)
    assert (d.receiver, d.reason, d.receiver_code) == ("microsoft-consumer", "listed", "SC-001")
    assert [b.value for b in d.blocked] == ["192.0.2.1"]
    assert d.source == "-"


def test_a_str_is_never_a_path(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_text(MAIL)
    assert todoku.diagnose(str(tmp_path / "x.eml")) == []


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(MAIL)
    (tmp_path / "b.eml").write_text(MAIL)
    (one,) = todoku.diagnose(tmp_path / "a.eml")
    assert one.source == str(tmp_path / "a.eml")
    assert one.recipient == "taro@hotmail.com"
    assert [Path(d.source).name for d in todoku.diagnose(tmp_path)] == ["a.eml", "b.eml"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(todoku.UnreadableError, match="no such file"):
        todoku.diagnose(tmp_path / "nowhere")
    (tmp_path / "a.eml").write_text(MAIL)
    (tmp_path / "loop.eml").symlink_to("loop.eml")
    with pytest.warns(todoku.UnreadableWarning, match="leads to itself"):
        assert len(todoku.diagnose(tmp_path)) == 1


def test_language_own_and_sisimai() -> None:
    (ja,) = todoku.diagnose(REPLY, language="ja")
    (en,) = todoku.diagnose(REPLY)
    assert ja.remedy != en.remedy
    assert en.blocked[0].own is None
    (ours,) = todoku.diagnose(REPLY, own=Own(addresses=("192.0.2.1",)))
    (theirs,) = todoku.diagnose(REPLY, own=Own(addresses=("192.0.2.2",)))
    assert (ours.blocked[0].own, theirs.blocked[0].own) == (True, False)
    (newer,) = todoku.diagnose(REPLY, sisimai="5.6")
    assert newer.sisimai is not None


def test_nothing_recognised() -> None:
    assert todoku.diagnose(b"") == []
    assert todoku.diagnose("\ud800") == []


def test_public_names_are_there_and_lazy() -> None:
    for name in todoku.__all__:
        assert getattr(todoku, name) is not None
    assert set(todoku.__all__) <= set(dir(todoku))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = todoku.nothing_like_it
    code = "import sys, todoku; print([m for m in sys.modules if m.startswith('todoku.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_value_of_a_diagnosis_is_public() -> None:
    structs = {
        m for m in vars(model).values() if isinstance(m, type) and hasattr(m, "__struct_fields__")
    }
    assert {s.__name__ for s in structs} <= set(todoku.__all__)
    assert get_args(model.Language) == ("ja", "en")
