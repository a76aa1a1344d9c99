"""The planned deployments as a prefect.yaml, and their automations as a file beside it, to be kept in a repository.

They are registered by `prefect deploy --all` and `prefect automation create --from-file`.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.deploy.planned import Planned
from flows.sections.deploy import Schedule

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

ABOUT = """\
# Deployments of {name}, written by `mixwright deploy --out`. Register them: prefect deploy --all
# The work pool has to be there: prefect work-pool create {pool} --type {kind}
# {automations}, beside this file, marks runs that died. Create it as well.
"""
ABOUT_AUTOMATIONS = """\
# Automations of {name}, written by `mixwright deploy --out`. Create them:
# prefect automation create --from-file {file}
# Prefect creates them once more where they are there already. Delete the earlier ones first (prefect automation delete
# NAME), or use `mixwright deploy`, which updates them.
"""


def beside(out: Path) -> Path:
    """The file of automations beside a prefect.yaml: prefect.automations.yaml."""
    return out.with_name(f"{out.stem}.automations{out.suffix}")


def automations_yaml(automations: Sequence["AutomationCore"], name: str, file: Path) -> str:
    """The text of the file of automations."""
    content = {"automations": [_automation(one) for one in automations]}
    return ABOUT_AUTOMATIONS.format(name=name, file=file.name) + _dumped(content)


def _automation(automation: "AutomationCore") -> dict[str, Any]:
    entry = automation.model_dump(mode="json", exclude_none=True)
    for name in ("after", "expect", "for_each"):  # sets: in one order, so that the same file is written each time
        if name in entry["trigger"]:
            entry["trigger"][name].sort()
    return entry


def prefect_yaml(deployments: Sequence[Planned], name: str, kind: str, automations: Path) -> str:
    """The text of prefect.yaml. automations: the file that goes with it."""
    content = {"name": "mixwright", "pull": None, "deployments": [_entry(one) for one in deployments]}
    about = ABOUT.format(name=name, pool=deployments[0].pool, kind=kind, automations=automations.name)
    return about + _dumped(content)


def _dumped(content: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _entry(one: Planned) -> dict[str, Any]:
    return {
        "name": one.name,
        "description": one.about,
        "entrypoint": one.entrypoint,
        "tags": list(one.tags),
        "parameters": one.parameters,
        "schedules": [_schedule(one.schedule)] if one.schedule else [],
        "concurrency_limit": {"limit": one.runs_at_once, "collision_strategy": "ENQUEUE"},
        "work_pool": {"name": one.pool, "job_variables": deepcopy(one.job)},  # else YAML writes it as an alias
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    if schedule.every:
        return {"interval": schedule.every}
    return {"cron": schedule.cron, "timezone": schedule.timezone or "UTC"}
