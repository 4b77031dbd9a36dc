"""Times at the desk: on one page all are in one zone, the newsroom's."""

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from publish.web.wording import moment
from stories.config import Config

_UTC = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?Z")
"""As :func:`desk.show.when` writes an instant, for operators."""


def newsroom_zone(config: Config) -> tzinfo | None:
    """The zone of the newsroom: the desk's, else the site's, else None for that of this machine."""
    name = config.desk.timezone or config.site.timezone
    return ZoneInfo(name) if name is not None else None


def in_zone(text: str, zone: tzinfo | None, now: datetime) -> str:
    """*text* with each instant that stands in it in UTC as people in *zone* write it."""
    return _UTC.sub(lambda at: moment(datetime.fromisoformat(at[0]), zone, beside=now).text, text)
