"""Marts full of random rows to hold metrics against: each code, nulls, days before the calendar and after the night."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import psycopg

from tools.contracts import KEY, current_shapes

NIGHT = date(2024, 3, 20)
CALENDAR = (date(2024, 1, 1), date(2024, 4, 30))
FACTS = (date(2023, 12, 20), date(2024, 4, 5))
COUNTRIES = ("France", "Germany", None)
CURRENCIES = ("GBP", "EUR")


def days(first, last):
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


class World:
    """Rows by mart; the dice are the same in every run."""

    def __init__(self):
        self.dice = random.Random(20240320)
        self.marts = {
            "dim_dates": [{"date_day": day} for day in days(*CALENDAR)],
            "dim_companies": [{"company_id": f"c{n}", "industry": self.one("Retail", None)} for n in range(4)],
            "dim_products": [
                {"product_id": f"x{n}", "product_type": self.one("postage", "merchandise")} for n in range(4)
            ],
            "dim_customers": [self.customer(n) for n in range(20)],
            "fct_orders": [self.order(n) for n in range(120)],
            "fct_order_lines": [self.order_line(n) for n in range(200)],
            "fct_returns": [self.returned_line(n) for n in range(60)],
            "fct_customer_days": [
                self.customer_day(c, day) for c in ("France", "unknown") for day in self.known_days()
            ],
            "fct_survey_responses": [self.response(n) for n in range(200)],
            "fct_social_mentions": [self.mention(n) for n in range(150)],
            "fct_service_requests": [self.request(n) for n in range(200)],
            "fct_pipeline_days": list(self.pipeline()),
            "fct_opportunities": [self.opportunity(n) for n in range(100)],
            "fct_sales_forecasts": list(self.forecasts()),
        }

    def write(self, url, schema):
        """Create the marts as their contracts say and fill them."""
        shapes = current_shapes()
        with psycopg.connect(url) as connection:
            connection.execute(f"create schema if not exists {schema}")
            for mart, rows in self.marts.items():
                columns = ", ".join(f"{name} {kind}" for name, kind in shapes[mart].items() if name != KEY)
                connection.execute(f"create table {schema}.{mart} ({columns})")
                names = list(rows[0])
                insert = f"insert into {schema}.{mart} ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})"
                connection.cursor().executemany(insert, [list(row.values()) for row in rows])

    def one(self, *values):
        return self.dice.choice(values)

    def money(self, lowest=1):
        return Decimal(self.dice.randint(lowest * 1000, 90_000)) / 1000

    def day(self):
        """Some days have many rows, some none."""
        return self.one(*days(*FACTS)[:: self.one(1, 3, 7)])

    def person(self):
        return self.one(None, *(f"p{n}" for n in range(20)))

    def known_days(self):
        return days(CALENDAR[0], NIGHT)

    def customer(self, number):
        return {"customer_id": f"p{number}", "country": self.one(*COUNTRIES), "has_purchased": self.one(True, False)}

    def order(self, number):
        is_order = self.dice.random() < 0.7
        return {
            "order_id": str(number),
            "customer_id": self.person(),
            "order_type": "order" if is_order else "credit_note",
            "amount": self.money(0) * (1 if is_order else -1),
            "order_date": self.day(),
        }

    def order_line(self, number):
        line_type = self.one("sale", "sale", "cancellation", "return")
        return {
            "order_line_id": str(number),
            "product_id": f"x{self.dice.randint(0, 3)}",
            "line_type": line_type,
            "amount": self.money() * (1 if line_type == "sale" else -1),
            "order_date": self.day(),
        }

    def returned_line(self, number):
        return {
            "return_id": str(number),
            "product_id": f"x{self.dice.randint(0, 3)}",
            "customer_id": self.person(),
            "return_type": self.one("cancellation", "return"),
            "returned_amount": self.money(),
            "returned_date": self.day(),
        }

    def customer_day(self, country, day):
        purchasing, before = self.dice.randint(0, 5), self.dice.randint(0, 5)
        return {
            "country": country,
            "date_day": day,
            "count_known": purchasing + self.dice.randint(0, 5),
            "count_purchasing": purchasing,
            "count_repeating": self.dice.randint(0, purchasing),
            "count_new": self.dice.randint(0, 2),
            "count_active": self.dice.randint(0, 5),
            "count_active_before": before,
            "count_retained": self.dice.randint(0, before),
            "count_consented": self.dice.randint(0, 5),
        }

    def response(self, number):
        survey = self.one("csat", "nps", "market_research")
        group = {
            "csat": ("satisfied", "neutral", "dissatisfied", None),
            "nps": ("promoter", "passive", "detractor", None),
            "market_research": (None,),
        }
        score_group = self.one(*group[survey])
        return {
            "response_id": str(number),
            "survey": survey,
            "score": score_group and self.dice.randint(1, 5),
            "score_group": score_group,
            "language": self.one("en", "de", None),
            "answered_date": self.one(None, self.day(), self.day(), self.day()),
        }

    def mention(self, number):
        return {
            "mention_id": str(number),
            "platform": self.one("forum", "shop"),
            "kind": self.one("review", "post", "mention", "mention"),
            "is_own_brand": self.one(True, False, None),
            "mentioned_date": self.day(),
        }

    def request(self, number):
        request_type = self.one("ticket", "chat", "complaint", "case")
        return {
            "request_id": str(number),
            "request_type": request_type,
            "channel": self.one("mail", "phone", None),
            "opened_date": self.one(None, self.day(), self.day(), self.day()),
            "response_minutes_business": self.one(None, self.money()),
            "resolution_minutes_business": self.one(None, self.money()),
            "response_minutes_clock": self.one(None, self.money()),
            "resolution_minutes_clock": self.one(None, self.money()),
            "is_closed_loop": self.one(True, False) if request_type == "complaint" else None,
        }

    def pipeline(self):
        for source in ("zoho_crm", "fxiaoke"):
            for currency in CURRENCIES:
                for day in days(date(2024, 2, 10), NIGHT):
                    amount = self.money()
                    row = {"source": source, "currency": currency, "stage": "Qualification", "pipeline_date": day}
                    yield row | {"amount": amount, "weighted_amount": amount / 3}

    def opportunity(self, number):
        group = self.one("open", "won", "lost", "unknown")
        return {
            "opportunity_id": str(number),
            "source": self.one("zoho_crm", "fxiaoke"),
            "company_id": self.one(None, *(f"c{n}" for n in range(4))),
            "amount": self.one(None, self.money()),
            "currency": self.one(*CURRENCIES),
            "stage_group": group,
            "closed_date": self.day() if group in ("won", "lost") else None,
        }

    def forecasts(self):
        months = [date(2023, 12, 1), *(date(2024, month, 1) for month in (1, 2, 3, 4))]
        for number, forecast in enumerate(months[:4]):
            for currency in CURRENCIES:
                for target in months[number:]:
                    is_over = target < date(2024, 3, 1)
                    won = self.money() if target <= NIGHT else None
                    row = {"forecast_date": forecast, "currency": currency, "target_month": target}
                    yield row | {"forecast_amount": self.money(), "won_amount": won, "is_month_over": is_over}
