"""The event by which a refresh tells that the mix should change: automations of Prefect react to it."""

from flows.experiment import Experiment
from flows.orchestration import tell
from mixes.recommendation.refreshed import Refreshed

CHANGED = "mixwright.recommendation.changed"  # the event
RESOURCE = "mixwright.experiment."  # begins the id of what it is about; the experiment's name follows
FILE = "mixwright.file"  # label of the resource: the experiment file's whole path


def tell_of_change(experiment: Experiment, done: Refreshed) -> None:
    """Emit the event, where a server is named."""
    file = str(experiment.file.resolve()) if experiment.file else ""
    payload = {
        "experiment": experiment.name,
        "file": file,
        "verdict": done.verdict,
        "before": done.before,
        "now": done.standing,
        "reason": done.reason,
        "text": f"{experiment.name}: {done.verdict} the mix from {done.before} to {done.standing}. {done.reason}",
    }
    tell(CHANGED, RESOURCE + experiment.name, payload, {FILE: file})
