"""What Airflow is told of Kehu as a provider: the connection types of the two CRMs, with fields and labels."""

from __future__ import annotations

from typing import Any


def _text(label: str, description: str, secret: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if secret:
        schema["format"] = "password"
    return {"label": label, "description": description, "schema": schema}


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the form of Airflow's `provider.yaml`."""
    return {
        "package-name": "kehu",
        "name": "Kehu",
        "description": "The open customer warehouse: connections of the CRM systems it reads.",
        "connection-types": [
            {
                "connection-type": "zoho_crm",
                "hook-class-name": "kehu.airflow.hooks.ZohoCrmHook",
                "hook-name": "Zoho CRM",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port", "extra"],
                    "relabeling": {"host": "Accounts host", "login": "Client id", "password": "Client secret"},
                    "placeholders": {"host": "accounts.zoho.com, accounts.zoho.eu, accounts.zoho.com.cn, …"},
                },
                "conn-fields": {
                    "refresh_token": _text(
                        "Refresh token", "Of a self client with the scopes of docs/connections.md", secret=True
                    ),
                },
            },
            {
                "connection-type": "fxiaoke",
                "hook-class-name": "kehu.airflow.hooks.FxiaokeHook",
                "hook-name": "纷享销客 (Fxiaoke)",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port", "extra"],
                    "relabeling": {"host": "API host", "login": "App id", "password": "App secret"},
                    "placeholders": {"host": "open.fxiaoke.com"},
                },
                "conn-fields": {
                    "permanent_code": _text("Permanent code", "The tenant's 永久授权码 for the app", secret=True),
                    "open_user_id": _text("Open user id", "The user the app reads as (openUserId)"),
                    "mobile": _text("Mobile", "Instead of the open user id: the user's phone number"),
                    "style": {
                        "label": "Token style",
                        "description": "oauth2 for new apps, corp for apps that still use corpAccessToken",
                        "schema": {"type": ["string", "null"], "enum": ["oauth2", "corp"], "default": "oauth2"},
                    },
                },
            },
        ],
    }
