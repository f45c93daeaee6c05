"""What goes in and out of a fake: a request, an answer, and the app between them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True)
class Request:
    """One call as it came in; header names are lower case."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> dict[str, str]:
        """The query and a form body together: token endpoints take either."""
        return {**self.params, **dict(parse_qsl(self.body.decode("utf-8", "replace")))}


@dataclass(frozen=True)
class Answer:
    """Status, body (bytes as they are, None for nothing, else JSON) and headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return orjson.dumps(self.body)

    def head(self, length: int) -> bytes:
        """Status line and headers; 204 and 304 carry neither a length nor a type."""
        lines = [f"HTTP/1.1 {self.status} Fake"]
        headers = dict(self.headers)
        if self.status not in (204, 304):
            headers.setdefault("Content-Type", JSON)
            headers["Content-Length"] = str(length)
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class FakeApp:
    """The service behind a server; the last four methods let faults speak the vendor's language."""

    def handle(self, request: Request) -> Answer:
        raise NotImplementedError

    def is_token(self, request: Request) -> bool:
        """Whether this call fetches a token rather than data."""
        return False

    def listing(self, request: Request) -> str | None:
        """A name shared by all pages of one listing, None for any other call."""
        return None

    def revoke(self, request: Request) -> Answer | None:
        """Revoke the token of this call; an answer stands in where no token can be renewed."""
        return None

    def looped(self, request: Request, fresh: bool) -> Answer:
        """A page whose next cursor leads back; `fresh` writes the cursor differently each time."""
        return self.handle(request)
