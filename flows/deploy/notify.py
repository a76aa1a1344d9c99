"""The automation that sends a message when the mix should change, by a webhook or notification block of the server."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError
from flows.refresh.told import CHANGED, FILE, RESOURCE
from mixes.errors import did_you_mean

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

WEBHOOK = "webhook"  # the type of block that is called with the event's payload as JSON
NOTIFIES = "notify"  # capability of a block that sends a subject and a text
SUBJECT = "mixwright: change the mix of {{ event.payload.experiment }}"
BODY = "{{ event.payload.text }}"
PAYLOAD = "{{ event.payload | tojson }}"
PAGE = 200  # blocks of one answer


def notification(client: "SyncPrefectClient", block: str) -> Any:
    """Prefect's action that sends the message. block: a block of the server, as `prefect block ls` names it: type/name.

    Raises:
        ExperimentError: there is no such block, or it sends nothing.
    """
    from prefect.automations import CallWebhook, SendNotification

    able = {name: known for name, known in _named_blocks(client).items() if _sends(known)}
    if block not in able:
        made = did_you_mean(block, sorted(able)) if able else "make one on its page or by `prefect block create`"
        raise ExperimentError(f"deploy.notify: the server has no webhook or notification block {block!r} — {made}")
    if block.startswith(f"{WEBHOOK}/"):
        return CallWebhook(block_document_id=able[block].id, payload=PAYLOAD)
    return SendNotification(block_document_id=able[block].id, subject=SUBJECT, body=BODY)


def changed_mix(name: str, file: str, action: Any) -> "AutomationCore":
    """The automation that acts when a refresh of an experiment file says `change`."""
    from prefect.automations import AutomationCore, EventTrigger, Posture, ResourceSpecification

    return AutomationCore(
        name=name,
        description="Sends a message when a refresh finds a better mix than the standing one.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": f"{RESOURCE}*", FILE: file}),
            expect={CHANGED},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[action],
    )


def _named_blocks(client: "SyncPrefectClient") -> dict[str, Any]:
    """The server's blocks by type/name, without their secrets."""
    known: list[Any] = []
    while page := client.read_block_documents(limit=PAGE, offset=len(known), include_secrets=False):
        known += page
    return {f"{block.block_type.slug}/{block.name}": block for block in known if block.block_type}


def _sends(block: Any) -> bool:
    capabilities = block.block_schema.capabilities if block.block_schema else ()
    return block.block_type.slug == WEBHOOK or NOTIFIES in capabilities
