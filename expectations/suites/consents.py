"""What a consent's record must look like.

An unknown word warns and is not quarantined: dbt takes such a consent as unknown, while a record left out would leave
an earlier consent in force. Nor is a broken mail or phone set aside: it may be how a withdrawal finds its owner.
"""

from __future__ import annotations

from expectations.suites.forms import MAIL, PHONE, RecordSuite, code, known, mostly, optional, phone

CONSENTS = RecordSuite(
    "consents",
    "consents",
    {
        "status": code("status"),
        "channel": code("channel"),
        "purpose": code("purpose"),
        "email": optional("email"),
        "phone": phone("phone"),
    },
    [
        known("status", ("given", "withdrawn"), "warn"),
        known("channel", ("mail", "phone", "sms", "post", "personalisation"), "warn"),
        known("purpose", ("marketing", "personalisation"), "warn"),
    ],
    [mostly("email", MAIL), mostly("phone", PHONE)],
)
SUITES = (CONSENTS,)
