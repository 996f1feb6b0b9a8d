"""The words of a request, in the languages of the desks. Pure.

A desk's person reads hundreds of these: who, which address, the refusal, what was mended, what is
asked; nothing else. What the person of the case wrote (cause, what was mended) stands as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from todoku.knowledge.schema import DeskLanguage

Letter = Mapping[DeskLanguage, str]

WORDS: Final[Mapping[str, Letter]] = {
    "subject-request": {
        "en": "Mail from {addresses} is refused{code}: request for removal",
        "ja": "{addresses} からのメールが拒否されています{code}（解除のお願い）",
        "de": "Mails von {addresses} werden abgelehnt{code}: Bitte um Freigabe",
        "fr": "Messages de {addresses} refusés{code} : demande de levée du blocage",
    },
    "subject-again": {
        "en": "Re: {ticket}: mail from {addresses} is still refused",
        "ja": "Re: {ticket}: {addresses} からのメールが依然として拒否されています",
        "de": "Re: {ticket}: Mails von {addresses} werden weiterhin abgelehnt",
        "fr": "Re: {ticket} : les messages de {addresses} sont toujours refusés",
    },
    "subject-inform": {
        "en": "Re: {ticket}: what you asked for ({addresses})",
        "ja": "Re: {ticket}: お問い合わせの件（{addresses}）",
        "de": "Re: {ticket}: die gewünschten Angaben ({addresses})",
        "fr": "Re: {ticket} : les informations demandées ({addresses})",
    },
    "hello": {
        "en": "Dear postmaster,",
        "ja": "ご担当者様",
        "de": "Sehr geehrte Damen und Herren,",
        "fr": "Bonjour,",
    },
    "refused": {
        "en": "mail from our server {hosts} to {domains} is refused{since}.",
        "ja": "当方のメールサーバー {hosts} から {domains} へのメールが、{since}拒否されています。",
        "de": "Mails von unserem Server {hosts} an {domains} werden{since} abgelehnt.",
        "fr": "les messages de notre serveur {hosts} vers {domains} sont refusés{since}.",
    },
    "listed": {
        "en": "our server {hosts} is listed by {list}{since}.",
        "ja": "当方のメールサーバー {hosts} が、{since}{list} に登録されています。",
        "de": "unser Server {hosts} steht{since} auf der Liste {list}.",
        "fr": "notre serveur {hosts} figure{since} sur la liste {list}.",
    },
    "since": {
        "en": " (since {date})",
        "ja": "{date} から",
        "de": " seit dem {date}",
        "fr": " depuis le {date}",
    },
    "reply": {
        "en": "The refusal reads, on {date}:",
        "ja": "拒否の応答は次のとおりです（{date}）。",
        "de": "Die Ablehnung lautet ({date}):",
        "fr": "Le refus est le suivant ({date}) :",
    },
    "cause": {
        "en": "What we found: {cause}",
        "ja": "判明した原因: {cause}",
        "de": "Ursache: {cause}",
        "fr": "Cause trouvée : {cause}",
    },
    "looked": {
        "en": "We looked for a cause on our side and found none (looked at: {looked}).",
        "ja": "当方の原因を調べましたが、見つかりませんでした（調べたもの: {looked}）。",
        "de": "Bei uns haben wir keine Ursache gefunden (geprüft: {looked}).",
        "fr": "Nous n'avons trouvé aucune cause de notre côté (vérifié : {looked}).",
    },
    "inherited": {
        "en": "We took this address over shortly before the first refusal: the block seems to stem from what "
        "an earlier holder sent.",
        "ja": "このアドレスは、最初に拒否される直前に当方へ割り当てられました。以前の使用者の送信が原因と思われます。",
        "de": "Wir haben diese Adresse erst kurz vor der ersten Ablehnung übernommen; die Sperre scheint auf "
        "den früheren Nutzer zurückzugehen.",
        "fr": "Cette adresse nous a été attribuée peu avant le premier refus ; le blocage semble dû à son "
        "détenteur précédent.",
    },
    "inherited-looked": {
        "en": "We took this address over shortly before the first refusal: the block seems to stem from what "
        "an earlier holder sent. In our own logs we found no cause (looked at: {looked}).",
        "ja": "このアドレスは、最初に拒否される直前に当方へ割り当てられました。以前の使用者の送信が原因と思われます。"
        "当方のログには原因が見つかりませんでした（調べたもの: {looked}）。",
        "de": "Wir haben diese Adresse erst kurz vor der ersten Ablehnung übernommen; die Sperre scheint auf "
        "den früheren Nutzer zurückzugehen. In unseren Logs fand sich keine Ursache (geprüft: {looked}).",
        "fr": "Cette adresse nous a été attribuée peu avant le premier refus ; le blocage semble dû à son "
        "détenteur précédent. Nos journaux ne montrent aucune cause (vérifié : {looked}).",
    },
    "mended": {
        "en": "What we did about it: {mended}",
        "ja": "行った対処: {mended}",
        "de": "Abhilfe: {mended}",
        "fr": "Correction apportée : {mended}",
    },
    "ask-request": {
        "en": "Please lift the block, or tell us what is still missing.",
        "ja": "ブロックの解除をお願いいたします。不足していることがあれば、お知らせください。",
        "de": "Bitte heben Sie die Sperre auf, oder sagen Sie uns, was noch fehlt.",
        "fr": "Merci de lever le blocage, ou de nous dire ce qui manque encore.",
    },
    "ask-listed": {
        "en": "Please remove the entry, or tell us what is still missing.",
        "ja": "登録の解除をお願いいたします。不足していることがあれば、お知らせください。",
        "de": "Bitte entfernen Sie den Eintrag, oder sagen Sie uns, was noch fehlt.",
        "fr": "Merci de retirer cette entrée, ou de nous dire ce qui manque encore.",
    },
    "ask-escalate": {
        "en": "You answered that nothing can be done, yet mail is refused as quoted. Please have a "
        "person look at this address again.",
        "ja": "解除の対象にならないとのご回答でしたが、上のとおり拒否が続いています。お手数ですが、担当の方に"
        "もう一度お調べいただけますでしょうか。",
        "de": "Nach Ihrer Antwort ist nichts zu tun, doch wird weiterhin wie oben abgelehnt. Bitte lassen "
        "Sie diese Adresse noch einmal von einem Menschen prüfen.",
        "fr": "Selon votre réponse rien n'est à faire, pourtant le refus ci-dessus continue. Merci de "
        "faire réexaminer cette adresse par une personne.",
    },
    "ask-broken": {
        "en": "You wrote on {answered} that the block was lifted; the time for it has passed, and mail is "
        "still refused as quoted. Please have a person look at this address again.",
        "ja": "{answered} に解除のご回答をいただき、反映に要する時間も過ぎましたが、上のとおり拒否が続いています。"
        "お手数ですが、担当の方にもう一度お調べいただけますでしょうか。",
        "de": "Am {answered} schrieben Sie, die Sperre sei aufgehoben. Die Frist dafür ist um, doch wird "
        "weiterhin wie oben abgelehnt. Bitte lassen Sie diese Adresse noch einmal von einem Menschen "
        "prüfen.",
        "fr": "Vous avez écrit le {answered} que le blocage était levé ; le délai est passé, et les messages "
        "sont toujours refusés comme ci-dessus. Merci de faire réexaminer cette adresse par une personne.",
    },
    "ask-chase": {
        "en": "We have had no answer to our request of {asked}. Could you tell us how it stands?",
        "ja": "{asked} にお願いした件について、まだご回答をいただいておりません。状況をお知らせいただけますで"
        "しょうか。",
        "de": "Auf unsere Anfrage vom {asked} haben wir keine Antwort erhalten. Wie ist der Stand?",
        "fr": "Nous n'avons pas reçu de réponse à notre demande du {asked}. Où en est-elle ?",
    },
    "ask-inform": {
        "en": "You asked us for: {asks}. The details stand above; please tell us what is still missing.",
        "ja": "お尋ねの項目（{asks}）は上のとおりです。不足があればお知らせください。",
        "de": "Sie baten um: {asks}. Die Angaben stehen oben; bitte sagen Sie uns, was noch fehlt.",
        "fr": "Vous avez demandé : {asks}. Les détails figurent ci-dessus ; dites-nous ce qui manque.",
    },
    "fields": {"en": "{label}: {value}", "ja": "{label}: {value}", "de": "{label}: {value}", "fr": "{label} : {value}"},
    "missing": {
        "en": "[to be filled in]",
        "ja": "［記入してください］",
        "de": "[bitte ausfüllen]",
        "fr": "[à compléter]",
    },
    "recipients": {
        "en": "your users",
        "ja": "貴サービスの利用者",
        "de": "Ihre Nutzer",
        "fr": "vos utilisateurs",
    },
    "thanks": {
        "en": "Kind regards",
        "ja": "よろしくお願いいたします。",
        "de": "Mit freundlichen Grüßen",
        "fr": "Cordialement",
    },
}  # fmt: skip
ASKS: Final[Mapping[str, Letter]] = {
    "confirm-link": {"en": "confirmation", "ja": "確認リンク", "de": "Bestätigung", "fr": "confirmation"},
    "refusal-line": {"en": "the refusal", "ja": "拒否の応答", "de": "die Ablehnung", "fr": "le refus"},
    "headers": {"en": "mail headers", "ja": "メールヘッダー", "de": "Mail-Header", "fr": "les en-têtes"},
    "cause": {"en": "the cause", "ja": "原因", "de": "die Ursache", "fr": "la cause"},
    "reverse-dns": {"en": "reverse DNS", "ja": "逆引き", "de": "Reverse-DNS", "fr": "le DNS inverse"},
    "authentication": {
        "en": "SPF, DKIM and DMARC",
        "ja": "SPF・DKIM・DMARC",
        "de": "SPF, DKIM und DMARC",
        "fr": "SPF, DKIM et DMARC",
    },
    "logs": {"en": "log lines", "ja": "ログ", "de": "Logzeilen", "fr": "les journaux"},
    "contact": {"en": "contact details", "ja": "連絡先", "de": "Kontaktdaten", "fr": "les coordonnées"},
    "registration": {"en": "registration", "ja": "登録", "de": "Registrierung", "fr": "l'inscription"},
    "other": {"en": "further details", "ja": "その他", "de": "weitere Angaben", "fr": "autres détails"},
}  # fmt: skip
