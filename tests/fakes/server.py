"""A real HTTP/1.1 server around a fake app: keep-alive, threads, a record of all requests, faults."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes import wire
from tests.fakes.exchange import Answer, FakeApp, Request
from tests.fakes.faults import Fault, Faults, Plan

__all__ = ["Answer", "FakeApp", "FakeServer", "Request"]

ON_THE_WIRE = {Fault.TIME_OUT, Fault.RESET, Fault.TRUNCATED_PAGE, Fault.CUT_GZIP, Fault.SLOW_DRIP}
OF_LISTINGS = {Fault.REPEATED_PAGE, Fault.CURSOR_LOOP}
ERROR_PAGE = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body>We are back soon.</body></html>"


class FakeServer:
    """`with FakeServer(app) as server:` listens on `server.url` until the block ends."""

    def __init__(self, app: FakeApp, port: int = 0, host: str = "127.0.0.1") -> None:
        self.app = app
        self.faults = Faults()
        self.errors: list[str] = []  # failures of the fake itself
        self._wanted = (host, port)
        self._requests: list[Request] = []
        self._pages: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens, or listened: the port stays its own for another `start`."""
        host, port = self._wanted
        assert port, "the fake was never started"
        return f"http://{host}:{port}"

    def start(self) -> FakeServer:
        self._stopping.clear()
        self._listener = Listener(self._wanted, self)
        self._wanted = self._listener.server_address[:2]
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._listener:
            self._stopping.set()
            self._listener.shutdown()
            self._listener.server_close()
            self._listener.close_connections()
            self._listener = None

    def __enter__(self) -> FakeServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def requests_to(self, path_fragment: str) -> list[Request]:
        return [request for request in self.requests if path_fragment in request.path]

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def answer(self, request: Request) -> tuple[Answer, Plan | None]:
        """The answer to send, and the plan when the wire is to spoil it."""
        with self._lock:
            self._requests.append(request)
        listing = self.app.listing(request)
        plan = self.faults.claim(request.path, self.app.is_token(request), lambda fault: self._possible(fault, listing))
        if plan is None or plan.fault in ON_THE_WIRE:
            answer = self._safely(self.app.handle, request)
            self._remember(listing, answer)
            return answer, plan
        return self._faulty(request, listing, plan), None

    def _possible(self, fault: Fault, listing: str | None) -> bool:
        if fault is Fault.REPEATED_PAGE:
            with self._lock:
                return listing in self._pages
        return listing is not None or fault not in OF_LISTINGS

    def _remember(self, listing: str | None, answer: Answer) -> None:
        if listing is not None and answer.status == 200:
            with self._lock:
                self._pages[listing] = answer

    def _safely(self, respond: Callable[..., Answer], *arguments: Any) -> Answer:
        try:
            return respond(*arguments)
        except Exception:  # a bug of the fake must show, and not as a closed connection
            self.errors.append(traceback.format_exc())
            return Answer(500, {"error": "the fake itself failed", "trace": self.errors[-1]})

    def _faulty(self, request: Request, listing: str | None, plan: Plan) -> Answer:
        if plan.fault is Fault.REPEATED_PAGE:
            with self._lock:
                return self._pages[listing or ""]
        if plan.fault is Fault.CURSOR_LOOP:
            return self._safely(self.app.looped, request, plan.fresh_cursors)
        if plan.fault is Fault.TOKEN_EXPIRED:
            return self.app.revoke(request) or self._safely(self.app.handle, request)
        return plain_fault(plan)

    def stopping(self) -> threading.Event:
        return self._stopping


def plain_fault(plan: Plan) -> Answer:
    """The faults that look the same whatever the service."""
    if plan.fault is Fault.HTML:
        return Answer(200, ERROR_PAGE, {"Content-Type": "text/html; charset=utf-8"})
    if plan.fault is Fault.EMPTY:
        return Answer(200)
    headers = {} if plan.retry_after is None else {"Retry-After": f"{plan.retry_after:g}"}
    if plan.fault is Fault.TOO_MANY_REQUESTS:
        return Answer(429, {"code": "TOO_MANY_REQUESTS", "message": "slow down", "status": "error"}, headers)
    return Answer(503, ERROR_PAGE, {"Content-Type": "text/html; charset=utf-8", **headers})


class Listener(ThreadingHTTPServer):
    """The listening socket and its open connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: FakeServer) -> None:
        self.fake = fake
        self.open: set[socket.socket] = set()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer would also look up its own name, which may ask a name server.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        lingering = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        # A polite shutdown would send FIN where a reset was asked for.
        if lingering[:4] == b"\x00\x00\x00\x00":
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_WR)
        request.close()

    def close_connections(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what half of the faults are for; anything else is a bug of the fake."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.fake.errors.append(traceback.format_exc())


class Handler(BaseHTTPRequestHandler):
    """Reads requests; all else is the fake's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def respond(self) -> None:
        fake = self.server.fake
        answer, plan = fake.answer(self.read_request())
        if plan is None:
            wire.send(self.connection, answer)
        else:
            # A cut gzip stream is a whole HTTP answer: a close after it could meet the client's next request.
            self.close_connection |= plan.fault is not Fault.CUT_GZIP
            wire.spoil(self.connection, answer, plan, fake.stopping())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 (the library's names)

    def read_request(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        return Request(self.command, parts.path, dict(parse_qsl(parts.query, True)), headers, body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded, not printed."""
