"""Cron expressions: seen by their shape to be none without Prefect, and read by Prefect."""

import re
from typing import TYPE_CHECKING

from flows.errors import ExperimentError
from mixes.errors import cut_short

if TYPE_CHECKING:
    from prefect.client.schemas.schedules import CronSchedule

LONGEST = 200  # characters
SHAPE = re.compile(r"\s*[\w*/,#?-]+(\s+[\w*/,#?-]+){4}\s*")  # what no cron expression lacks


def has_shape_of_cron(text: str) -> bool:
    """False for what cannot be a cron expression; Prefect may still refuse what has the shape."""
    return len(text) <= LONGEST and SHAPE.fullmatch(text) is not None


def no_cron(text: str) -> str:
    """What is wrong with a text that is no cron expression."""
    return (
        f"{cut_short(text)} is no cron expression — write five fields: minute, hour, day, month, weekday, as in "
        "'0 3 * * *'"
    )


def cron_schedule(text: str, timezone: str | None, where: str) -> "CronSchedule":
    """Prefect's schedule. where: it is given, for the error's line.

    Raises:
        ExperimentError: Prefect cannot read the expression.
    """
    from prefect.client.schemas.schedules import CronSchedule

    try:
        if not has_shape_of_cron(text):
            raise ValueError(text)
        return CronSchedule(cron=text, timezone=timezone or "UTC")
    except Exception:  # Prefect's parser raises errors of many kinds
        raise ExperimentError(f"{where}: {no_cron(text)}") from None
