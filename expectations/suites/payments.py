"""What a payment's record must look like: what it is of, how it stands, an amount, a currency."""

from __future__ import annotations

from expectations.suites.forms import RecordSuite, code, known, matches, text

PAYMENTS = RecordSuite(
    "payments",
    "payments",
    {
        "kind": code("kind"),
        "status": code("status"),
        "amount": text("amount"),
        "currency": f"upper({text('currency')})",
    },
    [
        known("kind", ("payment", "refund")),
        known("status", ("pending", "settled", "declined", "charged_back")),
        matches("amount", r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "is missing, negative or no number"),
        matches("currency", "^[A-Z]{3}$", "is missing or not of three letters"),
    ],
)
SUITES = (PAYMENTS,)
