"""Why a list's answer, or its silence, is neither *listed* nor *not listed*: the cause, and a
sentence that says what happened and what to do. Pure.
"""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Ask, ListEntry, Text
from todoku.lists import wire
from todoku.lists.codes import Read
from todoku.lists.values import Answer
from todoku.model import UnknownCause

_RCODES: Final = {
    wire.FORMERR: "FORMERR",
    wire.SERVFAIL: "SERVFAIL",
    4: "NOTIMP",
    wire.REFUSED: "REFUSED",
    9: "NOTAUTH",
}

WORDS: Final[Words] = {
    "timeout": {
        "ja": "{server}から時間内に応答がありませんでした。",
        "en": "No answer came from {server} in time.",
    },
    "servfail": {
        "ja": "{server}は SERVFAIL を返しました。調べられなかったという意味です。",
        "en": "{server} answered SERVFAIL: it could not look the name up.",
    },
    "malformed": {
        "ja": "{server}の応答は DNS の応答として読めませんでした。",
        "en": "What {server} answered cannot be read as DNS.",
    },
    "refused": {
        "ja": "{server}は {rcode} を返し、この問い合わせには答えませんでした。",
        "en": "{server} answered {rcode}: it does not answer this question.",
    },
    "truncated": {
        "ja": "{server}からの応答が UDP に収まらず、TCP でも届きませんでした。TCP の 53 番が通るか確かめてください。",
        "en": "The answer of {server} did not fit into UDP and did not come over TCP: see whether TCP port 53 is open.",
    },
    "not-loopback": {
        "ja": "応答 {codes} は 127.0.0.0/8 の外です。放棄されたドメイン、認証画面、存在しない名前に答えるリゾルバーのいずれかで、掲載ではありません。",
        "en": "The answer {codes} lies outside 127.0.0.0/8: a parked domain, a captive portal or a resolver that answers for names that do not exist. It is no listing.",
    },
    "unknown-code": {
        "ja": "応答 {codes} の意味が分かりません。掲載とも未掲載とも言えません。",
        "en": "The meaning of the answer {codes} is not known: it proves neither a listing nor its absence.",
    },
    "resolver-refused": {
        "ja": "{list} は{asker}からの問い合わせを断りました（{meaning}）。",
        "en": "{list} turned {asker} away ({meaning}).",
    },
    "error": {
        "ja": "{list} はエラーを返しました（{meaning}）。",
        "en": "{list} answered with an error ({meaning}).",
    },
    "contradiction": {
        "ja": "「その名前はない」という応答にアドレスが付いています。矛盾するので判定に使えません。",
        "en": "The answer says that the name does not exist, and holds addresses: it proves nothing.",
    },
    "unproven": {
        "ja": "応答は「掲載なし」ですが、{list} が何かを載せているという証拠がまだないため、未掲載とは言えません。",
        "en": "The answer is 'not listed', but nothing has shown so far that {list} lists anything: so it proves nothing.",
    },
    "list-broken": {
        "ja": "{list} は動作確認に通っていません。応答は判定に使えません。",
        "en": "{list} has not passed its health test: what it answers proves nothing.",
    },
    "the-world": {
        "ja": "{list} は、誰も載せていないはずの {point} も「掲載あり」と答えます。応答は判定に使えません。",
        "en": "{list} lists {point} too, which nobody can have listed: what it answers proves nothing.",
    },
    "point-absent": {
        "ja": "{list} の試験用の {point} が「掲載なし」です。リストが空になったか、なくなっています。",
        "en": "{list} does not list its own test point {point}: it is empty or gone.",
    },
    "point-assumed": {
        "ja": "{list} は {point}（RFC 5782 の試験用）を載せていません。何かを載せているという証拠がないため、未掲載とは言えません。",
        "en": "{list} does not list {point}, the test point of RFC 5782. Nothing shows that it lists anything, so 'not listed' would prove nothing.",
    },
    "turned-away": {
        "ja": "{list} は{asker}からの問い合わせを断っています。",
        "en": "{list} turns {asker} away.",
    },
    "dead": {
        "ja": "{list} は運用を終了しています{since}。",
        "en": "{list} is out of service{since}.",
    },
    "fraudulent": {
        "ja": "{list} は信用できるリストではありません。",
        "en": "{list} is no list to be trusted.",
    },
    "moved": {
        "ja": "{list} は {to} に移りました。--list {to} で調べられます。",
        "en": "{list} has become {to}: check --list {to}.",
    },
    "no-zone": {
        "ja": "{list} は公開の DNS では調べられません。",
        "en": "{list} cannot be asked by public DNS.",
    },
    "no-key": {
        "ja": "{list} に尋ねるには自分用のキーが要ります。",
        "en": "{list} answers only to a key of one's own.",
    },
    "not-permitted": {
        "ja": "{list} の規約では、商用の利用に契約が要ります。",
        "en": "The terms of {list} require an agreement for commercial use.",
    },
    "budget": {
        "ja": "{list} に今日尋ねられる数を使い切りました{limit}。",
        "en": "Today's questions to {list} are used up{limit}.",
    },
    # what to do
    "direct": {
        "ja": "リストのネームサーバーに直接尋ねるには --direct を付けます。",
        "en": "Ask the list's own name servers: --direct.",
    },
    "hidden": {
        "ja": "リゾルバーが掲載を隠している場合もあり、--direct を付ければ分かります。",
        "en": "Or the resolver hides its entries: --direct tells.",
    },
    "own-resolver": {
        "ja": "公開リゾルバーではなく逆引きのある自分のリゾルバーを使うか、--direct で直接尋ねてください。",
        "en": "Use a resolver of your own that has reverse DNS instead of a public one, or ask directly: --direct.",
    },
    "register": {
        "ja": "リゾルバーのアドレスを {url} で登録してください。",
        "en": "Register the resolver's address at {url}.",
    },
    "key": {
        "ja": "キーは {url} で得て、設定 [lists.keys] の {key} に書きます。",
        "en": "Get a key at {url} and set it as {key} in [lists.keys].",
    },
    "agreement": {
        "ja": "契約については {url} にあります。",
        "en": "For an agreement see {url}.",
    },
    "private": {
        "ja": '私用なら設定 [general] に use = "private" と書いてください。',
        "en": 'If your use is private, set use = "private" in [general].',
    },
    "look-up": {"ja": "{look_up} で確認できます。", "en": "Look it up at {look_up}."},
    "remove": {
        "ja": "どの問い合わせにも「掲載あり」と答えるので、メールサーバーの設定に残っていれば外してください。",
        "en": "Its zone answers 'listed' to everything: take it out of your mail server's configuration.",
    },
    "later": {"ja": "しばらくしてから調べ直してください。", "en": "Ask again later."},
    "you": {"ja": "このマシンのアドレス", "en": "this machine's address"},
    "resolver": {"ja": "このリゾルバー", "en": "this resolver"},
    "servers": {"ja": "リストのネームサーバー", "en": "the list's name servers"},
    "operator-page": {"ja": "運営者のページ", "en": "the operator's site"},
}


class Why:
    """The sentences about one list, in one language. They hold no key: `keyed` tells whether
    there is one. `direct`: no resolver stands between, so none can be to blame."""

    def __init__(
        self, entry: ListEntry, lang: Language, zone: str, *, keyed: bool, direct: bool
    ) -> None:
        self._entry = entry
        self._ask = entry.ask or Ask()
        self._lang: Language = lang
        self._zone = zone
        self._keyed = keyed
        self._direct = direct

    def unclear(self, answer: Answer, read: Read) -> tuple[UnknownCause, str] | None:
        """What keeps an answer from being a verdict; `None` where it is one."""
        server = self._server(answer.server)
        if answer.rcode is None:
            return "timeout", self.say("timeout", "later", server=server)
        if answer.truncated:
            return "truncated", self.say("truncated", server=server)
        if answer.malformed:
            return "servfail", self.say("malformed", self._way_round(), server=server)
        if answer.rcode == wire.SERVFAIL:
            return "servfail", self.say("servfail", self._way_round(), server=server)
        if answer.rcode not in {wire.NOERROR, wire.NXDOMAIN}:
            rcode = _RCODES.get(answer.rcode, f"RCODE {answer.rcode}")
            return "refused", self.say("refused", self._way_round(), server=server, rcode=rcode)
        if answer.rcode == wire.NXDOMAIN and answer.addresses:
            return "list-broken", self.say("contradiction")
        if read.lists:
            return None
        for m in read.meanings:
            if m.class_ == "error":
                cause = m.cause or "resolver-refused"
                return cause, self._error(cause, self._in_words(m.text), answer.server)
        if read.outside:
            return "not-loopback", self.say("not-loopback", codes=_few(read.outside))
        if read.unknown:
            return "unknown-code", self.say("unknown-code", "look-up", codes=_few(read.unknown))
        return None

    def not_asked(self, cause: UnknownCause, server: str | None) -> str:
        """Why there is no answer that could be judged."""
        match cause:
            case "list-dead":
                return self._dead()
            case "no-key":
                return self.say("no-key", "key")
            case "not-permitted" if not self._zone:
                return self.say("no-zone", "look-up")
            case "not-permitted":
                lifts = self._ask.key is not None and self._ask.key.lifts
                return self.say("not-permitted", "key" if lifts else "agreement", "private")
            case "budget":
                per_day = self._ask.usage.per_day
                limit = _NOTHING
                if per_day is not None:
                    limit = Text(ja=f"（1 日 {per_day:,} 件まで）", en=f" ({per_day:,} a day)")
                return self.say("budget", "later", limit=self._in_words(limit))
            case "resolver-refused":
                return self.say("turned-away", self._way_round(), asker=self._asker(server))
            case "timeout" | "servfail":
                return self.say(cause, "later", server=self._server(server))
            case _:
                return self.say("list-broken")

    def say(self, word: str, *after: str, **values: object) -> str:
        """A sentence, and those that say what to do."""
        look_up, page = self._ask.lookup_url, self._ask.usage.url
        values |= {
            "list": self._entry.name,
            "key": self._ask.key.name if self._ask.key else "",
            "url": page or look_up or say(WORDS["operator-page"], self._lang),
            "look_up": look_up,
        }
        found = [w for w in (word, *after) if look_up or w != "look-up"]
        return self._joined([say(WORDS[w], self._lang, **values) for w in found])

    def _error(self, cause: UnknownCause, meaning: str, server: str | None) -> str:
        """The list's own error, and whatever helps against it here."""
        if cause != "resolver-refused":
            return self.say("error", meaning=meaning)
        usage, key = self._ask.usage, self._ask.key
        after = []
        if usage.registration:
            after.append("register")
        elif not self._direct:
            after.append("own-resolver")
        if key is not None and not self._keyed:
            after.append("key")
        return self.say(cause, *after, meaning=meaning, asker=self._asker(server))

    def _dead(self) -> str:
        """What became of the list, and where its entries went."""
        ask, status = self._ask, self._entry.status
        moved = status in {"merged", "renamed"} and ask.moved_to
        parts = []
        if status == "fraudulent":
            parts.append(self.say("fraudulent"))
        elif not moved:
            since = _NOTHING
            if ask.since and not (ask.became and ask.since[:4] in ask.became.en):
                since = Text(ja=f"（{ask.since}）", en=f" ({ask.since})")
            parts.append(self.say("dead", since=self._in_words(since)))
        if ask.moved_to:
            parts.append(self.say("moved", to=ask.moved_to))
        if ask.became:
            parts.append(self._in_words(ask.became))
        if ask.dead == "wildcard":
            parts.append(self.say("remove"))
        return self._joined(parts)

    def _way_round(self) -> str:
        return "later" if self._direct else "direct"

    def _server(self, server: str | None) -> str:
        """Who was asked."""
        return self._spaced(server) or say(WORDS["servers"], self._lang)

    def _asker(self, server: str | None) -> str:
        """Whom the list sees asking."""
        if self._direct:
            return say(WORDS["you"], self._lang)
        known = self._spaced(server)
        lead = " " if self._lang == "ja" and known else ""
        return lead + (known or say(WORDS["resolver"], self._lang))

    def _spaced(self, server: str | None) -> str | None:
        """In Japanese, Latin characters stand apart from the words around them."""
        return f"{server} " if server and self._lang == "ja" else server

    def _in_words(self, text: Text) -> str:
        return text.ja if self._lang == "ja" else text.en

    def _joined(self, sentences: list[str]) -> str:
        return ("" if self._lang == "ja" else " ").join(sentences)


_NOTHING: Final = Text(ja="", en="")


def _few(codes: tuple[str, ...]) -> str:
    return ", ".join(codes[:4]) + (", …" if len(codes) > 4 else "")
