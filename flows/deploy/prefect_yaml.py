"""The planned deployments as a prefect.yaml, for those who keep it in their repository: `prefect deploy --all`."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from flows.deploy.planned import Planned
from flows.sections.deploy import Schedule

ABOUT = """\
# Deployments of {name}, written by `mixwright deploy --out`. Register them: prefect deploy --all
# The work pool has to be there: prefect work-pool create {pool} --type {kind}
# Runs that died are not marked by this file alone: `mixwright deploy` makes that automation, too.
"""


def prefect_yaml(deployments: Sequence[Planned], name: str, kind: str) -> str:
    """The file's text."""
    import yaml

    content = {"name": "mixwright", "pull": None, "deployments": [_entry(one) for one in deployments]}
    about = ABOUT.format(name=name, pool=deployments[0].pool, kind=kind)
    return about + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


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
