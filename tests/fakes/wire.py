"""Answers on the socket itself, where the faults below HTTP happen."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from dataclasses import replace

from tests.fakes.exchange import Answer
from tests.fakes.faults import Fault, Plan

HOUR = 3600.0
# A fault that cuts a body needs one, even where the good answer has none.
SOMETHING = b'{"data": [], "info": {"count": 0}}'


def send(connection: socket.socket, answer: Answer) -> None:
    """The whole answer in one write, as a keep-alive client wants it."""
    body = answer.content()
    connection.sendall(answer.head(len(body)) + body)


def spoil(connection: socket.socket, answer: Answer, plan: Plan, stopping: threading.Event) -> None:
    """Send what the plan says of this answer; the caller closes the connection where HTTP itself broke."""
    answer = _with_body(answer)
    if plan.fault is Fault.TIME_OUT:
        stopping.wait(plan.seconds)
    elif plan.fault is Fault.RESET:
        if plan.within_body:
            send_half(connection, answer)
            # The half must leave before the reset throws away what is unsent.
            stopping.wait(0.05)
        reset(connection)
    elif plan.fault is Fault.TRUNCATED_PAGE:
        send_half(connection, answer)
    elif plan.fault is Fault.CUT_GZIP:
        send_cut_gzip(connection, answer)
    elif plan.fault is Fault.SLOW_DRIP:
        drip(connection, answer, plan.pause, stopping)


def _with_body(answer: Answer) -> Answer:
    return answer if answer.content() else replace(answer, status=200, body=SOMETHING)


def reset(connection: socket.socket) -> None:
    """Have the coming close send RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def send_half(connection: socket.socket, answer: Answer) -> None:
    body = answer.content()
    connection.sendall(answer.head(len(body)) + body[: len(body) // 2])


def send_cut_gzip(connection: socket.socket, answer: Answer) -> None:
    """Half a gzip stream whose announced length is true: only the stream itself tells."""
    packed = gzip.compress(answer.content())
    packed = packed[: len(packed) // 2]
    answer = replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"})
    connection.sendall(answer.head(len(packed)) + packed)


def drip(connection: socket.socket, answer: Answer, pause: float, stopping: threading.Event) -> None:
    """A byte at a time, announced so long that it takes more than an hour. No read ever times out."""
    body = answer.content()
    body = body.ljust(max(len(body), int(HOUR / max(pause, 0.001))), b"\n")
    connection.sendall(answer.head(len(body)))
    for place in range(len(body)):
        connection.sendall(body[place : place + 1])
        if stopping.wait(pause):
            return
