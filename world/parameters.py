"""Every number the world's customers behave by; written into `truth/parameters.json`."""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE_PER_CHUNK = 20_000  # customers made at a time: the memory needed does not depend on how many chunks follow
PROSPECTS_PER_CUSTOMER = 0.1  # people who never buy: leads, visitors, answers to market research
PEOPLE_PER_COMPANY = 7
FUTURE_DAYS = 365  # how far beyond the span purchases are drawn, for the truth to judge forecasts by


@dataclass(frozen=True)
class Parameters:
    """The generating process.

    Purchases follow BG/NBD: Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005), "Counting Your Customers" the Easy Way,
    Marketing Science 24(2), section 3: a customer's rate is gamma(`r`, rate `alpha`) per day, and after each repeat
    purchase the customer drops out with a probability that is beta(`a`, `b`).
    Spend follows Gamma-Gamma: Fader, P. S., Hardie, B. G. S. (2013), The Gamma-Gamma Model of Monetary Value, Note 025,
    section 2: an order's worth in GBP is gamma(`spend_p`, rate nu), nu is gamma(`spend_q`, rate `spend_v`) over
    customers, independent of the purchase process.
    """

    r: float = 0.8
    alpha: float = 100.0
    a: float = 0.9
    b: float = 4.1
    spend_p: float = 6.0
    spend_q: float = 4.0
    spend_v: float = 19.0
    first_purchase_power: float = 1.25  # the first purchase is at span × u^power: somewhat more customers come early
    lines_per_order: float = 3.1  # mean of 1 + Poisson
    guest_orders: float = 0.06  # orders without a customer number, per known order
    cancelled_orders: float = 0.008
    favourite_share: float = 0.6  # lines from the customer's favourite category
    # Experience given what the purchase process decided: the unhappy are likelier among those who drop out, while
    # purchases stay exactly BG/NBD.
    bad_if_drops: float = 0.42
    bad_if_stays: float = 0.08
    good_if_drops: float = 0.06
    good_if_stays: float = 0.24
    returned_if_bad: float = 0.35  # of damaged, faulty or wrong goods
    late_rows: float = 0.012  # rows delivered one to five days after they happened
    duplicate_rows: float = 0.004  # rows delivered twice, exactly alike
    second_account: float = 0.07
    shares_mobile: float = 0.25  # household members who give the head's mobile number
    shares_device: float = 0.2


PARAMETERS = Parameters()
