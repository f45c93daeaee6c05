"""The fields of each module of the made-up tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One column of a module, as the settings describe it."""

    api_name: str
    data_type: str
    mandatory: bool = False
    target: str = ""  # a lookup's module
    custom: bool = False

    def described(self) -> dict[str, Any]:
        return {
            "api_name": self.api_name,
            "data_type": self.data_type,
            "field_label": self.api_name.replace("_", " "),
            "system_mandatory": self.mandatory,
            "custom_field": self.custom,
            "lookup": {"module": {"api_name": self.target}} if self.target else {},
        }


def parse(text: str) -> list[Field]:
    """Fields from `name type` pairs; `!` is mandatory, `lookup>Module` names its target."""
    fields = []
    for pair in text.split(","):
        name, kind = pair.split()
        kind, _, target = kind.partition(">")
        fields.append(Field(name, kind.rstrip("!"), kind.endswith("!"), target))
    return fields


EVERYWHERE = (
    "id bigint, Owner ownerlookup, Created_Time datetime, Modified_Time datetime, Created_By ownerlookup, "
    "Modified_By ownerlookup, Tag text, Description textarea"
)
ADDRESS = "{0}_Street text, {0}_City text, {0}_State text, {0}_Code text, {0}_Country text"

MODULES = {
    "Contacts": "First_Name text, Last_Name text!, Full_Name text, Email email, Secondary_Email email, Phone phone, "
    "Mobile phone, Account_Name lookup>Accounts, Title text, Department text, Date_of_Birth date, "
    "Lead_Source picklist, Email_Opt_Out boolean, " + ADDRESS.format("Mailing"),
    "Accounts": "Account_Name text!, Account_Number bigint, Phone phone, Website website, Industry picklist, "
    "Account_Type picklist, Annual_Revenue currency, Employees integer, Parent_Account lookup>Accounts, "
    + ADDRESS.format("Billing"),
    "Leads": "First_Name text, Last_Name text!, Company text!, Email email, Phone phone, Mobile phone, "
    "Lead_Source picklist, Lead_Status picklist, Annual_Revenue currency, Rating picklist, Converted__s boolean, "
    "Converted_Date_Time datetime, City text, Country text",
    "Deals": "Deal_Name text!, Stage picklist!, Amount currency, Closing_Date date, Probability integer, "
    "Account_Name lookup>Accounts, Contact_Name lookup>Contacts, Campaign_Source lookup>Campaigns, Type picklist, "
    "Lead_Source picklist, Expected_Revenue currency",
    "Cases": "Case_Number autonumber, Subject text!, Status picklist!, Priority picklist, Case_Origin picklist!, "
    "Type picklist, Account_Name lookup>Accounts, Related_To lookup>Contacts, Deal_Name lookup>Deals, "
    "Product_Name lookup>Products, Email email, Phone phone, Solution textarea",
    "Products": "Product_Name text!, Product_Code text, Product_Active boolean, Product_Category picklist, "
    "Unit_Price currency, Qty_in_Stock double, Tax multiselectpicklist, Sales_Start_Date date",
    "Campaigns": "Campaign_Name text!, Type picklist, Status picklist, Start_Date date, End_Date date, "
    "Expected_Revenue currency, Budgeted_Cost currency, Actual_Cost currency, Num_sent bigint, "
    "Expected_Response bigint",
}
# What a lookup to the module, or its line among the deleted, is called.
NAMED_BY = {
    "Contacts": "Full_Name",
    "Accounts": "Account_Name",
    "Leads": "Last_Name",
    "Deals": "Deal_Name",
    "Cases": "Subject",
    "Products": "Product_Name",
    "Campaigns": "Campaign_Name",
}
EXTRA_TYPES = ["text", "integer", "boolean", "currency", "date", "datetime", "picklist", "multiselectpicklist"]


def fields_of(module: str) -> list[Field]:
    return parse(EVERYWHERE + ", " + MODULES[module])


def extra_fields(count: int) -> list[Field]:
    """Custom fields of many types, for a module wider than one request."""
    return [Field(f"Extra_{n:03d}", EXTRA_TYPES[n % len(EXTRA_TYPES)], custom=True) for n in range(1, count + 1)]


def extra_value(field: Field, number: int) -> Any:
    """A value that tells which field of which record it is from."""
    place = int(field.api_name[-3:])
    return {
        "integer": number * 1000 + place,
        "boolean": (number + place) % 2 == 0,
        "currency": number + place / 100,
        "date": f"2025-{place % 12 + 1:02d}-{number % 28 + 1:02d}",
        "datetime": f"2025-{place % 12 + 1:02d}-{number % 28 + 1:02d}T08:00:00+08:00",
        "multiselectpicklist": [f"option {number % 3}", f"option {place}"],
    }.get(field.data_type, f"{field.api_name} of {number}")
