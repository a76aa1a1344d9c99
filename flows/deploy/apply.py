"""Brings a Prefect server to what is planned: the work pool, the deployments, and what watches over their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.deploy.planned import Planned
from flows.deploy.pools import ensure_pool
from flows.deploy.settings import DeploySettings, Schedule
from flows.deploy.watch import watch_over
from flows.errors import ExperimentError
from mixes.errors import cut_short

NEXT = 3  # starts that are shown


@dataclass(frozen=True)
class Applied:
    """What is on the server now."""

    made_pool: bool
    starts: dict[str, tuple[datetime, ...]]  # flow → its next starts, in the schedule's zone


def apply(deployments: Sequence[Planned], settings: DeploySettings) -> Applied:
    """Register the deployments, anew where they are there already.

    Raises:
        ExperimentError: the pool is missing or of another kind, or a schedule is none.
    """
    from prefect.client.orchestration import get_client

    schedules = {one.flow: _schedule(one.schedule) for one in deployments if one.schedule}
    with get_client(sync_client=True) as client:
        made = ensure_pool(client, settings)
        for one in deployments:
            _register(one, schedules.get(one.flow))
        watch_over(client, deployments, settings)
    return Applied(made, {flow: _next(schedule) for flow, schedule in schedules.items()})


def _register(one: Planned, schedule: Any) -> None:
    """Create or update a deployment."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment

    # A run that waits for its turn is not lost. With CANCEL_NEW one run that died while it was pending would cancel
    # all later ones.
    turns = ConcurrencyLimitConfig(limit=one.runs_at_once, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    deployment = RunnerDeployment.from_entrypoint(
        one.entrypoint,
        name=one.name,
        schedules=[schedule] if schedule else [],
        parameters=one.parameters,
        tags=list(one.tags),
        description=one.about,
        concurrency_limit=turns,
        work_pool_name=one.pool,
        job_variables=one.job,
    )
    deployment.apply()


def _schedule(schedule: Schedule) -> Any:
    """Prefect's own; raises ExperimentError where it is none for Prefect."""
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    if schedule.every:
        return IntervalSchedule(interval=timedelta(seconds=schedule.every))
    try:
        return CronSchedule(cron=schedule.cron or "", timezone=schedule.timezone or "UTC")
    except Exception:  # its parser raises what it likes
        raise ExperimentError(
            f"deploy: {cut_short(schedule.cron or '')} is no cron expression — write five fields: minute, hour, day, "
            "month, weekday, as in '0 3 * * *'"
        ) from None


def _next(schedule: Any) -> tuple[datetime, ...]:
    """The next starts, on the clock of the schedule's zone."""
    import asyncio
    from zoneinfo import ZoneInfo

    from prefect.server.schemas import schedules as server_schedules  # its own schedules do not count

    kind = getattr(server_schedules, type(schedule).__name__)
    starts = asyncio.run(kind(**schedule.model_dump()).get_dates(NEXT))
    return tuple(start.astimezone(ZoneInfo(schedule.timezone or "UTC")) for start in starts)
