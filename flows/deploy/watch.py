"""Automations of Prefect: a run without signs of life is marked, and one that takes too long is cancelled."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flows.deploy.notify import changed_mix
from flows.deploy.planned import TAG, Planned
from flows.sections.deploy import DeploySettings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

BEAT = "prefect.flow-run.heartbeat"
RUNNING = "prefect.flow-run.Running"
BEGINS = {f"prefect.flow-run.{state}" for state in ("Pending", "Submitting")}
GOES_BACK = {f"prefect.flow-run.{state}" for state in ("AwaitingConcurrencySlot", "Scheduled", "AwaitingRetry", "Late")}
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut")}
LOST, NEVER_BEGAN, TOO_LONG, CHANGED = "lost runs", "runs that never began", "runs of more than", "changed mix"
# so begin the automations' names
LONGEST_START = 300  # seconds in which a process begins; as long Prefect keeps the turn of a run that has not begun
PAGE = 200  # automations of one answer


def automations(
    deployments: Sequence[Planned], settings: DeploySettings, notification: Any = None
) -> list["AutomationCore"]:
    """The automations of one experiment. notification: Prefect's action when the mix should change, if any."""
    name, file = deployments[0].name, deployments[0].parameters["experiment"]
    wanted = [_lost(name, settings.lost_after)]
    if settings.kind == "process":  # elsewhere a run may wait for its machine for days
        wanted.append(_never_began(name))
    if settings.timeout_hours:
        wanted.append(_too_long(name, settings.timeout_hours))
    if notification is not None:
        wanted.append(changed_mix(_named(name, CHANGED), file, notification))
    return wanted


def watch_over(client: "SyncPrefectClient", deployments: Sequence[Planned], wanted: Sequence["AutomationCore"]) -> None:
    """Create or update the automations of one experiment on the server; delete those that no setting asks for now."""
    own = tuple(_named(deployments[0].name, kind) for kind in (LOST, NEVER_BEGAN, TOO_LONG, CHANGED))
    left = [known for known in _known(client) if known.name.startswith(own)]
    for automation in wanted:
        same = next((known for known in left if known.name == automation.name), None)
        if same:
            left.remove(same)
            client.update_automation(same.id, automation)
        else:
            client.create_automation(automation)
    for known in left:
        client.delete_automation(known.id)


def _known(client: "SyncPrefectClient") -> list[Any]:
    """All automations on the server."""
    known: list[Any] = []
    while page := client.read_automations(limit=PAGE, offset=len(known)):
        known += page
    return known


def _named(name: str, kind: str) -> str:
    return f"mixwright {name}: {kind}"


def _lost(name: str, seconds: int) -> "AutomationCore":
    """Marks a run as crashed. Its flows within flows give signs of life of their own, and are marked as well."""
    from prefect.automations import AutomationCore, ChangeFlowRunState
    from prefect.client.schemas.objects import StateType

    message = f"no sign of life for {seconds} s: its worker or machine has ended; the next run goes on where it was"
    return AutomationCore(
        name=_named(name, LOST),
        description="Marks a run as crashed when its signs of life stop, so that the next one gets its turn.",
        trigger=_trigger(name, {BEAT}, {BEAT, *ENDS}, timedelta(seconds=seconds)),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


def _never_began(name: str) -> "AutomationCore":
    """Marks a run as crashed whose worker died while it started its process: it gives no sign of life that could
    stop."""
    from prefect.automations import AutomationCore, ChangeFlowRunState
    from prefect.client.schemas.objects import StateType

    message = f"it did not begin within {LONGEST_START} s: its worker has ended; the next run does the work"
    return AutomationCore(
        name=_named(name, NEVER_BEGAN),
        description="Marks a run as crashed when its worker dies before it begins.",
        trigger=_trigger(name, BEGINS, {RUNNING, BEAT, *ENDS, *GOES_BACK}, timedelta(seconds=LONGEST_START)),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


def _too_long(name: str, hours: float) -> "AutomationCore":
    from prefect.automations import AutomationCore, CancelFlowRun

    return AutomationCore(
        name=_named(name, f"{TOO_LONG} {hours:g} hours"),
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
