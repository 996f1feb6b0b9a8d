"""What desks ask for in their forms, as a person says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from todoku.knowledge.schema import DeskLanguage, Field

LABELS: Final[Mapping[Field, Mapping[DeskLanguage, str]]] = {
    "address": {
        "en": "Sending IP addresses",
        "ja": "送信元 IP アドレス",
        "de": "Sendende IP-Adressen",
        "fr": "Adresses IP d'envoi",
    },
    "authenticator": {
        "en": "Authenticator (in the refusal)",
        "ja": "Authenticator（拒否の応答にあります）",
        "de": "Authenticator (in der Ablehnung)",
        "fr": "Authenticator (dans le refus)",
    },
    "code": {"en": "Error code", "ja": "エラーコード", "de": "Fehlercode", "fr": "Code d'erreur"},
    "company": {"en": "Company", "ja": "会社名", "de": "Firma", "fr": "Société"},
    "company-kind": {
        "en": "What the company does",
        "ja": "事業の内容",
        "de": "Tätigkeit der Firma",
        "fr": "Activité de la société",
    },
    "contact-email": {
        "en": "Contact e-mail",
        "ja": "連絡先メールアドレス",
        "de": "E-Mail des Ansprechpartners",
        "fr": "E-mail du contact",
    },
    "contact-name": {
        "en": "Contact name",
        "ja": "担当者名",
        "de": "Ansprechpartner",
        "fr": "Nom du contact",
    },
    "description": {
        "en": "What happens, and since when",
        "ja": "状況と発生時期",
        "de": "Was geschieht, und seit wann",
        "fr": "Description, et depuis quand",
    },
    "domain": {
        "en": "Sending domain",
        "ja": "送信元ドメイン",
        "de": "Absenderdomain",
        "fr": "Domaine expéditeur",
    },
    "host-name": {
        "en": "Host name (reverse DNS)",
        "ja": "ホスト名（逆引き）",
        "de": "Hostname (Reverse-DNS)",
        "fr": "Nom d'hôte (DNS inverse)",
    },
    "imprint": {
        "en": "Page that tells who operates the server",
        "ja": "運営者を示すページの URL",
        "de": "URL des Impressums",
        "fr": "Page des mentions légales",
    },
    "mail-kind": {
        "en": "Kind of mail sent",
        "ja": "送信するメールの種類",
        "de": "Art der Mails",
        "fr": "Type de messages envoyés",
    },
    "mended": {
        "en": "What was found and mended",
        "ja": "判明した原因と対処",
        "de": "Ursache und Abhilfe",
        "fr": "Cause trouvée et correction",
    },
    "phone": {"en": "Telephone", "ja": "電話番号", "de": "Telefon", "fr": "Téléphone"},
    "recipient": {
        "en": "Recipient who refused (one address)",
        "ja": "拒否された宛先（アドレス 1 件）",
        "de": "Abgelehnter Empfänger (eine Adresse)",
        "fr": "Destinataire concerné (une adresse)",
    },
    "recipient-domain": {
        "en": "Domains sent to",
        "ja": "宛先のドメイン",
        "de": "Empfängerdomains",
        "fr": "Domaines destinataires",
    },
    "reference": {
        "en": "Reference number (in the refusal)",
        "ja": "照会番号（拒否の応答にあります）",
        "de": "Vorgangsnummer (in der Ablehnung)",
        "fr": "Numéro de référence (dans le refus)",
    },
    "refusal": {
        "en": "Refusal, word for word",
        "ja": "拒否の応答（原文のまま）",
        "de": "Wortlaut der Ablehnung",
        "fr": "Texte exact du refus",
    },
    "shared": {
        "en": "Dedicated or shared address",
        "ja": "専用か共用か",
        "de": "Eigene oder geteilte Adresse",
        "fr": "Adresse dédiée ou partagée",
    },
    "time-zone": {"en": "Time zone", "ja": "時間帯", "de": "Zeitzone", "fr": "Fuseau horaire"},
    "title": {"en": "Title", "ja": "件名", "de": "Betreff", "fr": "Objet"},
}
USUAL: Final[tuple[Field, ...]] = (
    "address",
    "host-name",
    "refusal",
    "mended",
    "contact-name",
    "contact-email",
)
"""What one tells a desk of which it is not known what it asks."""


def label(field: Field, language: DeskLanguage) -> str:
    return LABELS[field][language]
