"""One careful HTTP client for all sources: it tries again what may pass and hands back only whole answers."""

from __future__ import annotations

import logging
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import IO, Any, Literal
from urllib.parse import urlsplit

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from kehu.sources.contract import SourceError, SourceUnavailable
from kehu.sources.values import parse_json

# Both log each request with its query string.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
MAX_BYTES = 1 << 28  # one JSON answer unpacked; more is a mistake or a bomb
Expect = Literal["json", "bytes", "file"]
Params = Mapping[str, Any]


class TransientError(Exception):
    """Something that may pass: `Http` tries again. Its text is a constant, never a part of an answer."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Patience:
    """How often and how long to try."""

    attempts: int = 8
    total_seconds: float = 900.0  # of one request with all its tries
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    longest_retry_after_seconds: float = 300.0
    connect_seconds: float = 10.0
    read_seconds: float = 60.0  # between two pieces of an answer
    answer_seconds: float = 180.0  # for one whole answer, however steadily it drips
    file_seconds: float = 1800.0  # the same for a download


@dataclass(frozen=True)
class Answer:
    """A whole answer: 2xx, 304 or 4xx. `json` is None without a body; `file` stands at its beginning."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    json: Any = field(default=None, repr=False)
    content: bytes = field(default=b"", repr=False)
    file: IO[bytes] | None = field(default=None, repr=False)


def base_url(source: str, host: str | None, port: int | None = None, scheme: str | None = None) -> str:
    """The address a connection names, whether bare, with a port, or as a full URL; without a slash at its end.

    Raises
    ------
    SourceError
        If there is none, it is malformed, or secrets would travel in clear: http is for this machine only.
    """
    place = "the connection's host"
    try:
        address = (host or "").strip()
        parts = urlsplit(address if "://" in address else f"{scheme or 'https'}://{address}")
        named_port = parts.port
    except ValueError:
        raise SourceError(source, place, "not an address") from None
    if not parts.hostname or parts.username or parts.query:
        raise SourceError(source, place, "not an address")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        raise SourceError(source, place, "https only; http is for this machine")
    netloc = f"{parts.netloc}:{port}" if port and not named_port else parts.netloc
    return f"{parts.scheme}://{netloc}{parts.path}".rstrip("/")


class Http:
    """Requests to one source.

    Tried again, with full jitter or as `Retry-After` says: 429, 5xx, time-outs, lost connections, bodies that end
    early or cannot be unpacked, and, where JSON is expected, bodies that are empty or anything else.

    `before` is called with the path ahead of each single try; `count_calls` counts them.
    """

    def __init__(
        self,
        source: str,
        base: str = "",
        patience: Patience | None = None,
        before: Callable[[str], None] | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._base, self._before, self._sleep = source, base.rstrip("/"), before, sleep
        self._patience = patience or Patience()
        self._jitter = wait_random_exponential(
            multiplier=self._patience.first_wait_seconds, max=self._patience.longest_wait_seconds
        )
        self._client = httpx.Client(
            headers={"Accept-Encoding": "gzip", "User-Agent": "kehu"},
            timeout=httpx.Timeout(self._patience.read_seconds, connect=self._patience.connect_seconds),
            transport=transport,
        )
        self.count_calls = 0

    def request(
        self,
        method: str,
        path_or_url: str,
        *,
        params: Params | Callable[[], Params] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Expect = "json",
        refused: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """One whole answer. `params` may be a function, called for each try.

        `refused` looks at each answer and may raise `TransientError` to have it asked for again. A 4xx other than
        429 is handed back as it is, with its JSON where it has some.

        Raises
        ------
        SourceUnavailable
            If no try brought a whole answer.
        SourceError
            If the request cannot be made at all.
        """
        url = path_or_url if "://" in path_or_url else f"{self._base}/{path_or_url.lstrip('/')}"
        place = urlsplit(url).path

        def once() -> Answer:
            if self._before:
                self._before(place)
            self.count_calls += 1
            asked = {"params": params() if callable(params) else params, "json": json, "data": data, "headers": headers}
            with self._faults_named(place):
                answer = self._ask(method, url, asked, expect)
            if refused:
                refused(answer)
            return answer

        try:
            return self._retrying()(once)
        except TransientError as error:
            raise SourceUnavailable(self._source, place, f"{error}; given up after several tries") from None

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _retrying(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(self._patience.attempts) | stop_before_delay(self._patience.total_seconds),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.wait_seconds is not None:
            return min(error.wait_seconds, self._patience.longest_retry_after_seconds)
        return self._jitter(state)

    @contextmanager
    def _faults_named(self, place: str) -> Iterator[None]:
        """Replace httpx's errors, whose texts quote URLs and headers, by ours."""
        try:
            yield
        except httpx.TimeoutException:
            raise TransientError("no answer in time") from None
        except httpx.RemoteProtocolError:
            raise TransientError("the answer broke off") from None
        except (httpx.NetworkError, httpx.ProxyError):
            raise TransientError("the connection failed") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise SourceError(self._source, place, "the request cannot be made: a wrong address or secret?") from None

    def _ask(self, method: str, url: str, asked: dict[str, Any], expect: Expect) -> Answer:
        seconds = self._patience.file_seconds if expect == "file" else self._patience.answer_seconds
        deadline = time.monotonic() + seconds
        with self._client.stream(method, url, **asked) as response:
            status, headers = response.status_code, response.headers
            if status == 429 or status >= 500:
                raise TransientError(f"HTTP {status}", _retry_after(headers))
            if status in (204, 304):
                return Answer(status, headers)
            if not 200 <= status < 300 and status < 400:
                raise TransientError(f"HTTP {status}: a redirect")
            pieces = _unpacked(_before_deadline(response.iter_raw(), deadline), headers.get("Content-Encoding", ""))
            if expect == "file" and status < 300:
                return Answer(status, headers, file=_to_file(pieces))
            content = _join(pieces)
        if status >= 400:
            return Answer(status, headers, json=_json_or_none(content))
        if not content.strip():
            raise TransientError("an empty answer")
        return (
            Answer(status, headers, content=content) if expect == "bytes" else Answer(status, headers, _json(content))
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date; None where it says nothing."""
    told = headers.get("Retry-After", "").strip()
    if told.isdecimal():
        return float(told)
    moment = http_date(told)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds()) if moment else None


def http_date(text: str) -> datetime | None:
    """The instant that a header names, in UTC where it names no zone; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc)


def _before_deadline(pieces: Iterable[bytes], deadline: float) -> Iterator[bytes]:
    for piece in pieces:
        if time.monotonic() > deadline:
            raise TransientError("the answer came too slowly")
        yield piece


def _unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body behind its encoding. httpx would take a gzip stream that ends early as whole; here it is noticed."""
    if encoding.lower() in ("", "identity"):
        yield from pieces
        return
    if encoding.lower() != "gzip":
        raise TransientError("an encoding that was not asked for")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for piece in pieces:
            yield stream.decompress(piece)
    except zlib.error:
        raise TransientError("a damaged gzip stream") from None
    if not stream.eof:
        raise TransientError("a gzip stream that ends early")


def _join(pieces: Iterable[bytes]) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > MAX_BYTES:
            raise TransientError(f"more than {MAX_BYTES} bytes")
    return bytes(content)


def _to_file(pieces: Iterable[bytes]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed on open
    try:
        for piece in pieces:
            file.write(piece)
        if not file.tell():
            raise TransientError("an empty answer")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _json(content: bytes) -> Any:
    try:
        return parse_json(content)
    except ValueError:
        is_page = content.lstrip().startswith(b"<")
        raise TransientError("HTML instead of JSON" if is_page else "an answer that is not JSON") from None


def _json_or_none(content: bytes) -> Any:
    try:
        return parse_json(content)
    except ValueError:
        return None
