"""Which errors may pass, so that the same work can succeed when it is tried again, and which cannot."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

# SQLSTATE classes and codes (PostgreSQL 18 documentation, Appendix A) of what has to do with the moment.
PASSING_STATES = (
    "08",  # connection exceptions
    "40",  # transaction rolled back: serialization failure, deadlock
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "55P03",  # lock not available
    "57P01", "57P02", "57P03", "57P05",  # the server is stopping, has crashed, is starting, or ended an idle session
    "58030",  # input or output error
)  # fmt: skip
# Libraries that tell no SQLSTATE (a connection that cannot be made, dbt's messages): what the server and libpq write.
PASSING_WORDS = re.compile(
    r"server closed the connection|connection (already|is) closed|connection refused|connection reset|"
    r"connection timeout|could not connect|could not receive data|could not send data|no connection to the server|"
    r"connection (to server )?was lost|closed unexpectedly|terminating connection|timeout expired|"
    r"the database system is|recovery mode|too many clients|remaining connection slots|deadlock detected|"
    r"due to lock timeout|could not obtain lock|could not serialize|no space left on device|disk full|"
    r"could not (extend|write to) file|temporary file size exceeds|out of shared memory|out of memory",
    re.IGNORECASE,
)
FINAL_WORDS = re.compile(
    r"authentication failed|does not exist|no pg_hba\.conf entry|no password supplied", re.IGNORECASE
)
PASSING_ERRNO = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.EINTR}


def can_pass(error: BaseException) -> bool:
    """Whether another try of the same work may succeed: a lost connection, a lock, a full disk, a busy server.

    Wrapped errors count as what they wrap. What is not known here cannot pass: a wrong type, a missing column or a
    broken rule is the same at the next try.
    """
    return any(_one_can_pass(one) for one in _chain(error))


def words_can_pass(text: str) -> bool:
    """The same of an error of which only the text is known, as with dbt's."""
    return bool(PASSING_WORDS.search(text)) and not FINAL_WORDS.search(text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what SQLAlchemy (`orig`) or `raise … from` says it was made of."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        inner = getattr(one, "orig", None) or one.__cause__
        one = inner if isinstance(inner, BaseException) else None


def _one_can_pass(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError, MemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno in PASSING_ERRNO
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return str(state).startswith(PASSING_STATES)
    # Only of errors of a database's driver: a text of ours may hold the same words by chance.
    is_driver = any(
        kind.__name__ in ("OperationalError", "InterfaceError", "InternalError") for kind in type(error).__mro__
    )
    return is_driver and words_can_pass(str(error))
