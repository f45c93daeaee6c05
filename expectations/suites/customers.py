"""How customers can be reached, by each system that knows them: mail addresses and phones have a form.

A single broken one warns nobody: identity and lists leave it aside, and the rest of its record is wanted.
"""

from __future__ import annotations

from expectations.suites.forms import MAIL, PHONE, RecordSuite, mostly, optional


def _reached(source: str, entity: str, mail: str | None, phone: str) -> RecordSuite:
    fields = ({"mail": optional(mail)} if mail else {}) | {"phone": optional(phone)}
    shares = ([mostly("mail", MAIL)] if mail else []) + [mostly("phone", PHONE)]
    return RecordSuite(source, entity, fields, (), shares)


SUITES = (
    _reached("shop", "accounts", "email", "phone"),
    _reached("zoho_crm", "Contacts", "Email", "Phone"),
    _reached("zoho_crm", "Leads", "Email", "Phone"),
    _reached("zoho_crm", "Accounts", None, "Phone"),
    _reached("fxiaoke", "ContactObj", "email", "mobile1"),
    _reached("fxiaoke", "LeadsObj", "email", "mobile"),
    _reached("fxiaoke", "AccountObj", None, "tel"),
)
