"""The hooks behind the connection types of the two CRMs: a working "test connection", and nothing that reads rows."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from kehu.airflow.connections import to_credentials


class _CrmHook(BaseHook):
    """A hook that can tell whether its connection works."""

    conn_name_attr = "conn_id"
    conn_type: str
    hook_name: str
    probe: str

    def __init__(self, conn_id: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.conn_id = conn_id or self.conn_type

    def get_conn(self) -> Any:
        """A reader for the connection, with a token of its own."""
        raise NotImplementedError

    def test_connection(self) -> tuple[bool, str]:
        """Ask the system for a token and one count; the message never holds a value of the connection."""
        from kehu.sources.contract import SourceError

        try:
            reader = self.get_conn()
            try:
                count = reader.count(self.probe)
            finally:
                reader.close()
        except SourceError as error:
            return False, str(error)
        return True, f"{self.hook_name} answers" + (f": {count:,} records in {self.probe}" if count is not None else "")


class ZohoCrmHook(_CrmHook):
    """Zoho CRM v8: login is the client id, password its secret, host the accounts host, extra the refresh token."""

    default_conn_name = "zoho_crm"
    conn_type = "zoho_crm"
    hook_name = "Zoho CRM"
    probe = "Contacts"

    def get_conn(self) -> Any:
        """A `ZohoReader`."""
        from kehu.sources.http import Patience
        from kehu.sources.zoho import ZohoReader, ZohoSettings
        from kehu.warehouse.tokens import MemoryTokens

        credentials = to_credentials(self.get_connection(self.conn_id))
        return ZohoReader(self.hook_name, credentials, ZohoSettings(), MemoryTokens(), patience=Patience(attempts=2))


class FxiaokeHook(_CrmHook):
    """纷享销客: login is the app id, password its secret, host the API host, extra the permanent code and the user."""

    default_conn_name = "fxiaoke"
    conn_type = "fxiaoke"
    hook_name = "纷享销客 (Fxiaoke)"
    probe = "AccountObj"

    def get_conn(self) -> Any:
        """A `FxiaokeReader`."""
        from kehu.sources.fxiaoke import FxiaokeReader, FxiaokeSettings
        from kehu.sources.http import Patience
        from kehu.warehouse.tokens import MemoryTokens

        credentials = to_credentials(self.get_connection(self.conn_id))
        return FxiaokeReader(
            self.hook_name, credentials, FxiaokeSettings(), MemoryTokens(), patience=Patience(attempts=2)
        )
