"""Mail addresses: what a mailbox is, whoever typed it; not what belongs to nobody or to an office."""

from __future__ import annotations

import re
from functools import cache

from email_validator import EmailNotValidError, validate_email

from ml.identity.normalise.data import load
from ml.identity.normalise.letters import compose

# RFC 5321: a longer one cannot be sent to.
MOST_LETTERS = 254
WRAPPED = re.compile(r".*<([^<>]*)>\s*", re.DOTALL)
SEPARATORS = re.compile(r"[-_.]")
# Four digits may be a year of birth: abc1990.
COUNT = re.compile(r"(?<=[a-z]{3})\d{1,3}$")


def normalise_mail(raw: str | None) -> str | None:
    """The address in small letters, without plus tag and dots in its local part, its domain in ASCII (IDNA).

    Dots go for all domains, although only some providers ignore them: two people whose addresses at one domain differ
    by a dot alone are rarer than one who types it now and then.

    Returns None for what is no address, for placeholders (test@, none@, xxx@) and for mailboxes of a role (info@).
    """
    if raw is None:
        return None
    text = compose(raw).strip()
    wrapped = WRAPPED.fullmatch(text)
    text = (wrapped.group(1) if wrapped else text).strip().lower().removeprefix("mailto:").strip(" .,;:'\"")
    if "@" not in text or len(text) > MOST_LETTERS:
        return None
    try:
        address = validate_email(text, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError):
        return None
    local = address.local_part.split("+")[0].replace(".", "")
    domain = address.ascii_domain.lower()
    if not local or domain in _words("mail_domains_nobody") or belongs_to_nobody(local):
        return None
    return f"{local}@{domain}"


def belongs_to_nobody(local: str) -> bool:
    """Whether a local part is a placeholder's or a role's, counted or not (test1@, sales2@)."""
    word = SEPARATORS.sub("", local)
    if len(word) > 2 and len(set(word)) == 1:
        return True
    nobody = _words("mails_nobody") | _words("mails_role")
    return word in nobody or COUNT.sub("", word) in nobody


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(load("placeholders")[kind])
