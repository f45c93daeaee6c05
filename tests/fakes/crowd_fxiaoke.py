"""A made-up 纷享销客 tenant: each row is filled from the description of its object."""

from __future__ import annotations

from typing import Any

from tests.fakes.dice import Crowd
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.fxiaoke_fields import EVERYWHERE, Field
from tests.fakes.fxiaoke_store import milliseconds
from tests.fakes.people import Person, person

Ids = dict[str, list[str]]
NAMED_AFTER_PEOPLE = {"LeadsObj", "ContactObj", "MemberObj", "PersonnelObj"}
COMMON = {field.name for field in EVERYWHERE}


def fill_fxiaoke(
    fake: FakeFxiaoke,
    accounts: int = 12_500,
    contacts: int = 2_000,
    leads: int = 500,
    opportunities: int = 600,
    orders: int = 1_500,
    products: int = 60,
    cases: int = 400,
    activities: int = 800,
    services: int = 300,
    members: int = 300,
    credits: int = 100,
    personnel: int = 20,
    visits: int = 150,
    seed: int = 7,
) -> Ids:
    """Rows of all objects, two lines an order; returns the ids by object."""
    # What others refer to comes first.
    counts = {
        "PersonnelObj": personnel,
        "ProductObj": products,
        "AccountObj": accounts,
        "ContactObj": contacts,
        "LeadsObj": leads,
        "NewOpportunityObj": opportunities,
        "SalesOrderObj": orders,
        "SalesOrderProductObj": 2 * orders,
        "CasesObj": cases,
        "ActiveRecordObj": activities,
        "ServiceRecordObj": services,
        "MemberObj": members,
        "CreditFileObj": credits,
        "object_visit__c": visits,
    }
    crowd, ids = Crowd(seed), {}
    for name, count in counts.items():
        ids[name] = [_add(fake, crowd, name, number, ids) for number in range(count)]
    return ids


def _add(fake: FakeFxiaoke, crowd: Crowd, name: str, number: int, ids: Ids) -> str:
    someone = person(number, crowd.seed)
    fields = fake.store.thing(name).fields.values()
    row = {field.name: _value(field, crowd, someone, ids) for field in fields if field.name not in COMMON}
    if name in NAMED_AFTER_PEOPLE:
        row["name"] = someone.chinese
    created, modified = crowd.times()
    row |= {"create_time": milliseconds(created), "last_modified_time": milliseconds(modified)}
    row["owner"] = [str(1000 + number % 7)]
    return fake.add(name, row)


def _value(field: Field, crowd: Crowd, someone: Person, ids: Ids) -> Any:
    """A value of the field's type; some are missing, required ones never."""
    share = 1.0 if field.required else 0.85
    if field.target:
        return crowd.some(ids.get(field.target, []), share)
    if crowd.dice.random() > share:
        return None
    if field.options:
        picked = crowd.dice.choice(field.options)[0]
        return {"select_many": [picked], "true_or_false": picked == "true"}.get(field.type, picked)
    if field.type in ("date", "date_time"):
        return milliseconds(crowd.day())
    return _written(field, crowd, someone)


def _written(field: Field, crowd: Crowd, someone: Person) -> Any:
    return {
        "phone_number": someone.mobile,
        "email": someone.email,
        "url": f"https://company-{someone.number}.example",
        "currency": f"{crowd.money():.2f}",
        "number": str(crowd.dice.randrange(1, 500)),
        "percentile": str(crowd.dice.randrange(0, 101)),
        "auto_number": f"{field.name.upper()}-{someone.number:08d}",
    }.get(field.type, someone.city if field.name == "city" else f"{field.label}{someone.number}")
