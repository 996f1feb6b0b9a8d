"""Under which number a desk has a request: as desks of many systems and languages print it."""

from __future__ import annotations

import pytest

from todoku.cases.answers import tickets
from todoku.knowledge import load

RULES = [each for each in load.answers_of(load.knowledge()) if each.desk == "general"]


@pytest.mark.parametrize(
    ("subject", "text", "wanted"),
    [
        ("Re: 貴社サーバーへの送信 [BG1180-33592]", "", "BG1180-33592"),
        ("【回答】DM-20261112-1093", "", "DM-20261112-1093"),
        ("VT-J-3301 レピュテーション再評価の受付", "", "VT-J-3301"),
        ("Re: OFR_2611190217 - OFR_506", "", "OFR_2611190217"),
        ("[4-1182000036417] Your request", "", "4-1182000036417"),
        ("Postmaster: CC-5567102", "", "CC-5567102"),
        ("[#88210] IP", "", "88210"),
        ("", "Please keep 102744918 in the subject.", "102744918"),
        ("", "Your request (483920) has been received.", "483920"),
        ("", "It was logged under 7781203.", "7781203"),
        ("", "Reference: AB/2026/00321", "AB/2026/00321"),
        ("", "お問い合わせ番号:20261124-00381", "20261124-00381"),
        ("", "Ihre Vorgangsnummer lautet 20261124-77", "20261124-77"),
        ("", "Vorgang (4471209) wurde angelegt", "4471209"),
        ("", "Numéro de dossier : 2026-118823", "2026-118823"),
        ("", "Número de caso: 88120-7", "88120-7"),
        ("", "Numero di pratica: PR-88120", "PR-88120"),
        ("", "Meldingsnummer: 771203", "771203"),
    ],
)
def test_numbers(subject: str, text: str, wanted: str) -> None:
    assert tickets.find(subject, text, RULES) == wanted


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Mail to icloud.com refused (HM08)", "550 5.7.1 (CVE-2024-12345), see RFC-5321"),
        ("Re: OFR_506", "AS-64500 is blocked"),
        ("Your IP 192.0.2.1", "48000 messages (12000 of them spam) since 24-11-2026"),
        (
            "",
            "Call us at number 03-1234-5678. Please keep 30 days of logs, and use 587 for submission.",
        ),
    ],
)
def test_what_is_none(subject: str, text: str) -> None:
    """Codes of errors, of networks and documents, counts, dates, telephones, ports."""
    assert tickets.find(subject, text, RULES) is None
