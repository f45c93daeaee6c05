"""Receivers for alerts on 127.0.0.1: one for webhooks, one for mail. Each keeps what came in."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook(ThreadingHTTPServer):
    """Answers with the answers given, one after the other, then with the last one again."""

    def __init__(self, answers: list[tuple[int, object]] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.answers = answers or [(200, {"errcode": 0, "code": 0})]
        self.bodies: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook/canary-token"


class _Posted(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:  # noqa: N802
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answers = self.server.answers
        code, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail by SMTP without TLS, or answers RCPT with `refusal`."""

    daemon_threads = True

    def __init__(self, refusal: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Mailed)
        self.refusal = refusal
        self.mails: list[str] = []
        self.recipients: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Mailed(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 fake")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "RCPT" and self.server.refusal:
                self._say(self.server.refusal)
            elif word == "DATA":
                self._take()
            elif word == "QUIT":
                return self._say("221 bye")
            else:
                if word == "RCPT":
                    self.server.recipients.append(line.split("<")[1].split(">")[0])
                self._say("250 ok")
        return None

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        self.server.mails.append("\n".join(lines))
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """The server answers in a thread of its own for as long as the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
