"""The desk's web form (HTML over HTTP), as a person or a program fills it in. Whatever is sent,
the answer is a page: with the ticket, or with what is wrong."""

from __future__ import annotations

import asyncio
import html
import ipaddress
import re
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from todoku.i18n import Language, Words, say

A = TypeVar("A")
R = TypeVar("R")
MOST: Final = 64 << 10
"""Octets of a request."""
ADDRESSES: Final = 50
WAIT: Final = 30.0
"""Seconds of the machine for a request to be read, or taken."""
FIELDS: Final = {
    "ips": 4000,
    "contact": 254,
    "domain": 253,
    "name": 200,
    "error": 4000,
    "text": 8000,
}
"""And how many characters each may have."""
_BETWEEN: Final = " \t\r\n\u3000;,、，；"
"""What may stand between addresses."""
_CONTACT: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?P<domain>[\w.-]+)", re.ASCII)
_DOMAIN: Final = re.compile(r"(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})+")

WORDS: Final[Words] = {
    "title": {"ja": "送信者サポート", "en": "Sender support"},
    "about": {
        "ja": "お使いのメール サーバーの IP アドレスが拒否されている場合に、調査を依頼できます。",
        "en": "If the IP address of your mail server is refused, you can ask us to look into it here.",
    },
    "ips": {"ja": "送信元の IP アドレス（複数可）", "en": "Your outgoing IP addresses"},
    "contact": {"ja": "ご連絡先のメール アドレス", "en": "Contact email address"},
    "domain": {"ja": "送信元のドメイン", "en": "Domain that you send from"},
    "name": {"ja": "お名前", "en": "Contact name"},
    "error": {"ja": "表示されたエラー メッセージ", "en": "Error message"},
    "text": {"ja": "問題の詳細", "en": "Description of the issue"},
    "send": {"ja": "送信", "en": "Submit"},
    "taken-title": {"ja": "受け付けました", "en": "We have received your request"},
    "taken": {
        "ja": "お客様のチケット番号は {ticket} です。{contact} へメールでご連絡いたします。",
        "en": "Your ticket number is {ticket}. We will write to {contact}.",
    },
    "confirm-title": {"ja": "ご依頼の確認", "en": "Confirm your request"},
    "confirm": {
        "ja": "チケット {ticket} のご依頼を確認します。",
        "en": "This confirms your request {ticket}.",
    },
    "confirmed": {
        "ja": "チケット {ticket} のご依頼を確認しました。",
        "en": "Your request {ticket} is confirmed.",
    },
    "missing": {"ja": "「{field}」が空欄です。", "en": "“{field}” is empty."},
    "long": {
        "ja": "「{field}」が長すぎます（{most} 文字まで）。",
        "en": "“{field}” is too long ({most} characters at most).",
    },
    "no-address": {
        "ja": "「{given}」は IP アドレスではありません。",
        "en": "“{given}” is no IP address.",
    },
    "many": {
        "ja": "IP アドレスは一度に {most} 個までです。",
        "en": "Please send {most} IP addresses at a time, and no more.",
    },
    "no-contact": {
        "ja": "「{given}」はメール アドレスではありません。",
        "en": "“{given}” is no email address.",
    },
    "no-domain": {
        "ja": "「{given}」はドメインではありません。",
        "en": "“{given}” is no domain.",
    },
    "no-form": {
        "ja": "フォームとして読めません。何も受け付けていません。",
        "en": "This cannot be read as a form. Nothing was submitted.",
    },
    "large": {
        "ja": "大きすぎます。何も受け付けていません。",
        "en": "This is too large. Nothing was submitted.",
    },
    "cooling": {
        "ja": "掲載から間もないため、まだ解除を受け付けていません。次の時刻以降にもう一度お試しください。",
        "en": "This was listed too recently to be removed. Please come back after this time:",
    },
    "no-page": {"ja": "そのページはありません。", "en": "There is no such page."},
    "fault": {
        "ja": "現在受け付けできません。しばらくしてからもう一度お試しください。",
        "en": "We cannot take your request now. Please try again later.",
    },
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the desk."""

    addresses: tuple[str, ...]
    contact: str
    domain: str
    name: str = ""
    error: str = ""
    text: str = ""


class Page(NamedTuple):
    status: int
    html: str


class Counter(Protocol):
    """The desk, as the form sees it; asked in the event loop alone."""

    def file(self, request: Request) -> str:
        """Take a request; gives its ticket."""
        ...

    def waiting(self, token: str) -> str | None:
        """The ticket to which the link with this token belongs."""
        ...

    def confirm(self, token: str) -> str | None:
        """Somebody went to that link."""
        ...

    def opens(self) -> datetime | None:
        """When requests are taken; `None`: now."""
        ...


def checked(fields: Mapping[str, str], lang: Language) -> Request | list[str]:
    """A request, or the sentences that say what is wrong with it."""
    wrong = [
        say(WORDS["long"], lang, field=say(WORDS[name], lang), most=most)
        for name, most in FIELDS.items()
        if len(fields.get(name, "")) > most
    ]
    if wrong:
        return wrong
    given = {name: fields.get(name, "").strip() for name in FIELDS}
    given["ips"] = given["ips"].strip(_BETWEEN)
    wrong = [
        say(WORDS["missing"], lang, field=say(WORDS[name], lang))
        for name in ("ips", "contact", "domain")
        if not given[name]
    ]
    addresses: dict[str, None] = {}
    for text in re.split(f"[{_BETWEEN}]+", given["ips"]):
        try:
            # Without a zone (RFC 4007): it may be any text.
            addresses[str(ipaddress.ip_address(text.strip("[]").replace("%", "/")))] = None
        except ValueError:
            if text:
                wrong.append(say(WORDS["no-address"], lang, given=text[:100]))
    if len(addresses) > ADDRESSES:
        wrong.append(say(WORDS["many"], lang, most=ADDRESSES))
    contact = _CONTACT.fullmatch(given["contact"])
    if given["contact"] and (contact is None or not _DOMAIN.fullmatch(contact["domain"])):
        wrong.append(say(WORDS["no-contact"], lang, given=given["contact"]))
    if given["domain"] and not _DOMAIN.fullmatch(given["domain"]):
        wrong.append(say(WORDS["no-domain"], lang, given=given["domain"]))
    if wrong:
        return wrong[:10]
    return Request(addresses=tuple(addresses), **{k: v for k, v in given.items() if k != "ips"})


class Form:
    """Answers in threads of its own; what the desk does it does in the event loop."""

    def __init__(self, counter: Counter, lang: Language) -> None:
        self.lang: Language = lang
        self.faults: list[BaseException] = []
        self._counter = counter
        self._server: _Server | None = None

    def start(self, host: str) -> str:
        """Gives its address."""
        self._loop = asyncio.get_running_loop()
        self._server = server = _Server((host, 0), self)
        self._loop.add_reader(server.fileno(), server.handle_request)
        return f"http://{host}:{server.server_port}/"

    def stop(self) -> None:
        if self._server is not None:
            self._loop.remove_reader(self._server.fileno())
            self._server.server_close()

    # What it says; in a thread

    def show(self, path: str) -> Page:
        if path == "/":
            return Page(200, self._form({}, []))
        ticket = self._ask(self._counter.waiting, path.removeprefix("/confirm/"))
        if ticket is None:
            return self.failed(404, "no-page")
        button = f'<form method="post"><button>{self._say("send")}</button></form>'
        return Page(200, self._page("confirm-title", self._p("confirm", ticket=ticket) + button))

    def take(self, path: str, body: bytes) -> Page:
        if path != "/":
            ticket = self._ask(self._counter.confirm, path.removeprefix("/confirm/"))
            if ticket is None:
                return self.failed(404, "no-page")
            return Page(200, self._page("confirm-title", self._p("confirmed", ticket=ticket)))
        try:
            # Not ASCII only: some send UTF-8 as it is.
            pairs = urllib.parse.parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=50
            )
        except ValueError:
            return self.failed(400, "no-form")
        fields = {n: v.replace("\0", "") for n, v in reversed(pairs)}
        request = checked(fields, self.lang)
        if isinstance(request, list):
            return Page(400, self._form(fields, request))
        opens = self._ask(lambda _: self._counter.opens(), None)
        if opens is not None:
            moment = f"{opens:%Y-%m-%dT%H:%M:%SZ}"
            said = self._p("cooling") + f'<p><time datetime="{moment}">{moment}</time></p>\n'
            return Page(409, self._page("title", said))
        ticket = self._ask(self._counter.file, request)
        body_ = self._p("taken", ticket=ticket, contact=request.contact)
        return Page(200, self._page("taken-title", body_))

    def page(self, work: Callable[[str], Page], path: str) -> Page:
        try:
            return work(path)
        except Exception as error:  # noqa: BLE001  told by the lab's end, and to them as a page
            self.faults.append(error)
            return self.failed(500, "fault")

    def failed(self, status: int, word: str) -> Page:
        return Page(status, self._page("title", self._p(word)))

    def _ask(self, question: Callable[[A], R], about: A) -> R:
        answer: Future[R] = Future()

        def ask() -> None:
            try:
                answer.set_result(question(about))
            except Exception as error:  # noqa: BLE001  raised where it is waited for
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(ask)
        return answer.result(WAIT)

    def _say(self, word: str, **values: object) -> str:
        return html.escape(say(WORDS[word], self.lang, **values))

    def _p(self, word: str, **values: object) -> str:
        return f"<p>{self._say(word, **values)}</p>\n"

    def _form(self, fields: Mapping[str, str], wrong: list[str]) -> str:
        errors = "".join(f'<p role="alert">{html.escape(sentence)}</p>\n' for sentence in wrong)
        rows = ""
        for name in FIELDS:
            value = html.escape(fields.get(name, ""))
            if name in {"ips", "error", "text"}:
                field = f'<textarea name="{name}" rows="4" cols="60">\n{value}</textarea>'
            else:
                field = f'<input name="{name}" size="60" value="{value}">'
            rows += f"<p><label>{self._say(name)}<br>{field}</label></p>\n"
        button = f"<button>{self._say('send')}</button>"
        form = f'<form method="post" action="/">\n{rows}{button}\n</form>\n'
        return self._page("title", errors + self._p("about") + form)

    def _page(self, title: str, body: str) -> str:
        name = self._say(title)
        return (
            f'<!DOCTYPE html>\n<html lang="{self.lang}">\n<meta charset="utf-8">\n'
            f"<title>{name}</title>\n<h1>{name}</h1>\n{body}</html>\n"
        )


class _Server(ThreadingHTTPServer):
    timeout = 0  # of handle_request: somebody is there already
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], form: Form) -> None:
        self.form = form
        super().__init__(address, _Handler)
        self.socket.setblocking(False)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks DNS for its own name
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.form.faults.append(error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "lab"
    sys_version = ""
    timeout = WAIT

    def do_GET(self) -> None:
        form = self.server.form
        self._answer(form.page(form.show, self._path))

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        form = self.server.form
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._answer(form.failed(411, "no-form"))
        elif len(length) > 9 or int(length) > MOST:
            self._answer(form.failed(413, "large"))
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                return
            kind = self.headers.get_content_type()
            if self._path == "/" and kind != "application/x-www-form-urlencoded":
                self._answer(form.failed(415, "no-form"))
            else:
                self._answer(form.page(lambda path: form.take(path, body), self._path))

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _answer(self, page: Page) -> None:
        data = page.html.encode("utf-8", "replace")
        self.send_response(page.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", "default-src 'none'; form-action 'self'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """What happened is told by `happenings`."""
