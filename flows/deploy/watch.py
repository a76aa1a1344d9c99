"""Automations of Prefect that watch over runs: a run without signs of life is marked, one that takes too long ends."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flows.deploy.planned import TAG, Planned
from flows.sections.deploy import DeploySettings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

BEAT = "prefect.flow-run.heartbeat"
RUNNING = "prefect.flow-run.Running"
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut")}


def watch_over(client: "SyncPrefectClient", deployments: Sequence[Planned], settings: DeploySettings) -> None:
    """Create the automations of one experiment, or bring them up to date."""
    name = deployments[0].name
    _put(client, _lost(name, settings.lost_after))
    if settings.timeout_hours:
        _put(client, _too_long(name, settings.timeout_hours))


def _lost(name: str, seconds: int) -> Any:
    """Marks a run as crashed. Its flows within flows give signs of life of their own, and are marked as well."""
    from prefect.automations import AutomationCore, ChangeFlowRunState
    from prefect.client.schemas.objects import StateType

    message = f"no sign of life for {seconds} s: its worker or machine has ended; the next run goes on where it was"
    return AutomationCore(
        name=f"mixwright {name}: lost runs",
        description="Marks a run as crashed when its signs of life stop, so that the next one gets its turn.",
        trigger=_trigger(name, {BEAT}, {BEAT, *ENDS}, timedelta(seconds=seconds)),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


def _too_long(name: str, hours: float) -> Any:
    from prefect.automations import AutomationCore, CancelFlowRun

    return AutomationCore(
        name=f"mixwright {name}: runs of more than {hours:g} hours",
        description="Cancels a run that takes too long. What it finished is kept.",
        trigger=_trigger(name, {RUNNING}, ENDS, timedelta(hours=hours)),
        actions=[CancelFlowRun()],
    )


def _trigger(name: str, after: set[str], expect: set[str], within: timedelta) -> Any:
    """Fires for each run of the experiment that is silent."""
    from prefect.automations import EventTrigger, Posture, ResourceSpecification

    tag = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}{name}"}
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=ResourceSpecification(tag),
        after=after,
        expect=expect,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )


def _put(client: "SyncPrefectClient", automation: Any) -> None:
    """Create an automation, or replace that of the same name."""
    known = client.read_automations_by_name(automation.name)
    if known:
        client.update_automation(known[0].id, automation)
    else:
        client.create_automation(automation)
