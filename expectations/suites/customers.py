"""How customers can be reached, by each system that knows them: mail addresses and phones have a form.

A single broken one is set aside and its record stays: the rest of it is wanted. Many of them warn.
"""

from __future__ import annotations

from expectations.suites.forms import MAIL, PHONE, RecordSuite, formed, mostly, optional, phone


def _reached(source: str, entity: str, mail: str | None, number: str) -> RecordSuite:
    fields = ({"mail": optional(mail)} if mail else {}) | {"phone": phone(number)}
    checks = ([formed("mail", mail, MAIL)] if mail else []) + [formed("phone", number, PHONE)]
    shares = ([mostly("mail", MAIL)] if mail else []) + [mostly("phone", PHONE)]
    return RecordSuite(source, entity, fields, checks, shares)


SUITES = (
    _reached("shop", "accounts", "email", "phone"),
    _reached("zoho_crm", "Contacts", "Email", "Phone"),
    _reached("zoho_crm", "Leads", "Email", "Phone"),
    _reached("zoho_crm", "Accounts", None, "Phone"),
    _reached("fxiaoke", "ContactObj", "email", "mobile1"),
    _reached("fxiaoke", "LeadsObj", "email", "mobile"),
    _reached("fxiaoke", "AccountObj", None, "tel"),
)
