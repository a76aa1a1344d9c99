"""Brings a Prefect server to what is planned: the work pool, the deployments, and what watches over their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flows.cron import cron_schedule
from flows.deploy.notify import notification
from flows.deploy.planned import Planned
from flows.deploy.pools import ensure_pool
from flows.deploy.watch import automations, watch_over
from flows.sections.deploy import DeploySettings, Schedule

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

NEXT = 3  # starts that are shown


@dataclass(frozen=True)
class Applied:
    """What is on the server now."""

    made_pool: bool
    starts: dict[str, tuple[str, tuple[datetime, ...]]]  # flow → its schedule in words, its next starts in their zone


def apply(deployments: Sequence[Planned], settings: DeploySettings) -> Applied:
    """Register the deployments, anew where they are there already.

    Raises:
        ExperimentError: the pool is missing or of another kind, or a schedule is none.
    """
    from prefect.client.orchestration import get_client

    planned = {one.flow: [_schedule(one.schedule)] if one.schedule else [] for one in deployments}
    with get_client(sync_client=True) as client:
        action = notification(client, settings.notify) if settings.notify else None
        made = ensure_pool(client, settings)
        for one in deployments:
            if one.keeps_schedule:
                planned[one.flow] = _present(client, one)
            _register(one, planned[one.flow])
        watch_over(client, deployments, automations(deployments, settings, action))
    return Applied(made, {flow: _described(schedules) for flow, schedules in planned.items() if schedules})


def _present(client: "SyncPrefectClient", one: Planned) -> list[Any]:
    """The schedules that a deployment has on the server."""
    from prefect.exceptions import ObjectNotFound

    try:
        return [known.schedule for known in client.read_deployment_by_name(f"{one.flow}/{one.name}").schedules]
    except ObjectNotFound:
        return []


def _register(one: Planned, schedules: list[Any]) -> None:
    """Create or update a deployment."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment

    # A run that waits for its turn is not lost. With CANCEL_NEW one run that died while it was pending would cancel
    # all later ones.
    turns = ConcurrencyLimitConfig(limit=one.runs_at_once, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    deployment = RunnerDeployment.from_entrypoint(
        one.entrypoint,
        name=one.name,
        schedules=schedules,
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
    from prefect.client.schemas.schedules import IntervalSchedule

    if schedule.every:
        return IntervalSchedule(interval=timedelta(seconds=schedule.every))
    return cron_schedule(schedule.cron or "", schedule.timezone, "deploy")


def _described(schedules: list[Any]) -> tuple[str, tuple[datetime, ...]]:
    """Schedules in words, and the next starts, on the clock of each one's zone."""
    words = "; ".join(
        f"{one.cron} ({one.timezone or 'UTC'})"
        if hasattr(one, "cron")
        else f"every {one.interval.total_seconds():g} s"
        if hasattr(one, "interval")
        else str(one)
        for one in schedules
    )
    starts = [start for one in schedules for start in _next(one)]
    return words, tuple(sorted(starts)[:NEXT])


def _next(schedule: Any) -> list[datetime]:
    import asyncio
    from zoneinfo import ZoneInfo

    from prefect.server.schemas import schedules as server_schedules  # its own schedules do not count

    kind = getattr(server_schedules, type(schedule).__name__)
    starts = asyncio.run(kind(**schedule.model_dump()).get_dates(NEXT))
    return [start.astimezone(ZoneInfo(schedule.timezone or "UTC")) for start in starts]
