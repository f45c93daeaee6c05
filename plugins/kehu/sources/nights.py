"""Which night is the newest one that the sources can tell of."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from kehu.sources.config import Sources
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of


def newest_night(sources: Sources) -> date:
    """The configured last night, else the newest day of files that come every day, else yesterday (UTC).

    Raises
    ------
    SourceError
        If such files cannot be listed.
    """
    if sources.last_night:
        return sources.last_night
    days = []
    for source in sources:
        if source.kind == "files" and source.connection is None:
            settings = settings_of(source)
            files = FilesSource(source.name, settings)
            days += [
                file.day
                for name, entity in settings.entities.items()
                if entity.every_day
                for file in files.files(name)
                if file.day
            ]
    return max(days, default=(datetime.now(timezone.utc) - timedelta(days=1)).date())
