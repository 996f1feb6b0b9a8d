"""The shared logs, and the generator's: read right where they are refusals, left alone elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.maillogs import MAILLOGS, SHARED, needs_generator, needs_maillogs
from todoku.model import Refusal
from todoku.reading import logs, paste

GROK = sorted((MAILLOGS / "postfix-grok").glob("*.yaml"))


def case(path: Path) -> tuple[str, dict[str, str]]:
    """The line and its fields. The files are flat: no reader of YAML is needed for them."""
    line, fields = "", {}
    for text in path.read_text("utf-8").splitlines():
        key, _, value = text.strip().partition(":")
        value = value.strip()
        if value.startswith('"'):
            value = json.loads(value)
        if key == "data":
            line = value
        elif text.startswith(" "):
            fields[key] = value
    return line, fields


def refuses(fields: dict[str, str]) -> bool:
    """Do the fields say that somebody refused or deferred what we send?"""
    status = fields.get("postfix_status", "")
    if status:
        return status != "sent"
    if fields.get("postfix_qmgr_status") or "status=expired" in str(fields):
        return True
    # A server answered, or could not be talked to, without a word on what became of the message.
    return bool({"postfix_smtp_response", "postfix_smtp_lostconn_data"} & fields.keys())


@needs_maillogs
@pytest.mark.parametrize("path", GROK, ids=lambda p: p.stem)
def test_postfix_lines(path: Path) -> None:
    line, fields = case(path)
    found = logs.read(line.encode())
    ours = path.name.startswith(
        ("smtp_", "lmtp_", "error_", "local_", "pipe_", "qmgr_", "tls_feat")
    )
    if path.name.startswith("smtp_0022"):  # `conversation ... timed out`: the file names no field
        fields["postfix_smtp_lostconn_data"] = "timed out"
    if not (ours and refuses(fields)) or "status=sent" in line:
        assert found == []
        assert paste.read(line) == []
        return
    (r,) = found
    assert paste.read(line) == found
    assert r.remote.host == fields.get("postfix_relay_hostname", r.remote.host)
    assert r.remote.ip == fields.get("postfix_relay_ip", r.remote.ip)
    if to := re.search(r"(?<![_\w])to=<?([^>,\s]+)", fields.get("postfix_keyvalue_data", "")):
        assert r.recipient == to[1]
    if (said := fields.get("postfix_smtp_response")) and (
        code := re.search(r"(?:^|: )([45]\d\d)[ -]", said)
    ):
        assert r.reply.code == int(code[1])
    if "postfix_smtp_stage" in fields:
        assert r.stage == fields["postfix_smtp_stage"]
    if status := fields.get("postfix_status"):
        assert r.action == ("delayed" if status == "deferred" else "failed")


@needs_maillogs
def test_there_are_as_many_lines_as_the_corpus_says() -> None:
    refused = [p.stem for p in GROK if logs.read(case(p)[0].encode())]
    assert len(GROK) == 135
    assert len(refused) == 19


@needs_maillogs
@pytest.mark.parametrize(
    "path", sorted((MAILLOGS / "crowdsec").glob("*/*.log")), ids=lambda p: p.parent.name
)
def test_what_we_refuse_others_is_left_alone(path: Path) -> None:
    data = path.read_bytes()
    assert logs.read(data) == []
    assert paste.read(data) == []


@needs_maillogs
def test_a_log_of_one_delivery_is_recognised_and_empty() -> None:
    data = (MAILLOGS / "log-ship" / "mail.log").read_bytes()
    assert logs.looks(data)
    assert logs.read(data) == []


def generated(form: str, tmp_path: Path) -> tuple[bytes, list[dict[str, Any]]]:
    truth = tmp_path / "truth.jsonl"
    tool = [sys.executable, str(SHARED / "tools" / "gen_maillog.py")]
    options = ["--lines", "3000", "--format", form, "--seed", "11", "--truth", str(truth)]
    log = subprocess.run([*tool, *options], capture_output=True, check=True).stdout
    return log, [json.loads(line) for line in truth.read_text().splitlines()]


def differs(r: Refusal, t: dict[str, Any], form: str) -> list[str]:
    got = {
        "rcpt": r.recipient,
        "host": r.remote.host,
        "ip": r.remote.ip,
        "stage": r.stage,
        "code": r.reply.code,
    }
    if form in {"bsd", "iso", "journal", "qmail", "exchange"}:  # the others' have no sender lines
        got["sender"] = r.sender
    if t["code"] is None:  # nobody answered: how far they had come, the truth does not say
        got.pop("stage")
    if t["enhanced"] is not None:
        got["enhanced"] = r.reply.enhanced
    return [name for name, value in got.items() if value != t[name]]


@needs_generator
@pytest.mark.parametrize("form", ["bsd", "iso", "journal", "exim", "sendmail", "qmail", "exchange"])
def test_generated_logs(form: str, tmp_path: Path) -> None:
    log, truth = generated(form, tmp_path)
    assert logs.looks(log[:65536])
    found = logs.read(log)
    assert len(found) == len(truth)
    wrong = [(d, r, t) for r, t in zip(found, truth, strict=True) if (d := differs(r, t, form))]
    assert wrong[:3] == []
