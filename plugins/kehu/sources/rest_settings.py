"""What the sources' file says of a generic REST source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _relative(path: str) -> str:
    if "://" in path or "?" in path or path.startswith("//"):
        raise ValueError("a path below the connection's host, without parameters")
    return path


class CursorSettings(BaseModel):
    """How to ask for what changed since the last reading."""

    model_config = STRICT

    param: str = Field(description="query parameter that takes the instant")
    field: str | None = Field(None, description="field with the time of change that it looks at, if not changed_at")
    lag_minutes: float = Field(5, ge=0, description="how far behind the newest change the next reading begins")
    format: Literal["iso", "seconds", "milliseconds"] = Field("iso", description="how the parameter is written")


class PagingSettings(BaseModel):
    """How a listing goes on."""

    model_config = STRICT

    style: Literal["none", "page", "offset", "cursor", "link"] = Field(
        "none", description="link follows the header `Link: <…>; rel=next`, or the address at cursor_path"
    )
    page_param: str = Field("page", description="page number (style page) or offset in rows (style offset)")
    first_page: int = Field(1, ge=0)
    size_param: str | None = Field("per_page", description="rows a page; null if the source has no such parameter")
    size: int = Field(100, ge=1)
    cursor_param: str = "cursor"
    cursor_path: str = Field("", description="where the answer tells the next cursor or address; dots lead inside")
    total_path: str | None = Field(None, description="where the answer tells how many rows the whole listing has")
    total_header: str | None = Field(None, description="header that tells the same, e.g. X-Total-Count")


class EntitySettings(BaseModel):
    """One list of records. Names of fields may lead inside by dots."""

    model_config = STRICT

    path: Annotated[str, AfterValidator(_relative)]
    params: dict[str, str | int | bool] = {}
    records: str = Field("", description="where the answer holds the list; empty: the answer is the list")
    key: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(min_length=1)
    changed_at: str | None = Field(None, description="field with the time of change: ISO 8601, or an epoch number")
    deleted: str | None = Field(None, description="a field that is true on records that tell of a deletion")
    cursor: CursorSettings | None = Field(None, description="leave it out to read everything each time")
    paging: PagingSettings = PagingSettings()

    @model_validator(mode="after")
    def _fits_together(self) -> EntitySettings:
        if self.cursor and not (self.cursor.field or self.changed_at):
            raise ValueError("a cursor needs its field, or changed_at")
        if self.paging.style == "cursor" and not self.paging.cursor_path:
            raise ValueError("paging by cursor needs cursor_path")
        return self


class RestSettings(BaseModel):
    """What to read of a REST source, and how."""

    model_config = STRICT

    auth: Literal["none", "bearer", "basic", "header"] = Field(
        "none", description="bearer and header send the connection's password, basic its login and password"
    )
    auth_header: str = Field("X-API-Key", description="the header's name, for auth `header`")
    entities: dict[str, EntitySettings] = Field(min_length=1)
    reconcile_days: int = Field(7, ge=1)
    attempts: int = Field(8, ge=1, description="tries of one request before the source counts as unavailable")
