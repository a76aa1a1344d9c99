"""The whole process on a schedule: a flow that takes the experiment's path, so a Prefect server can start it."""

from datetime import timedelta
from pathlib import Path

from prefect import flow
from prefect.types.entrypoint import EntrypointType

from flows.deploy.planned import deployment_name
from flows.experiment import load_experiment
from flows.recommend import run_flow


@flow(name="scheduled-run", log_prints=False)
def scheduled_flow(experiment: str) -> str:
    """Run an experiment file; returns the recommendation's id. Finished work is skipped, new shards are not."""
    return run_flow(load_experiment(Path(experiment))).id


def serve(experiment: Path, cron: str | None, every: float | None) -> None:
    """Register the schedule with the server of PREFECT_API_URL and run the experiment when it falls due, until stopped.

    One run at a time: a run that falls due during another waits for it.
    """
    loaded = load_experiment(experiment)  # a mistake in the file should show now, not at night
    scheduled_flow.serve(
        name=deployment_name(loaded.name, experiment),
        cron=cron,
        interval=timedelta(seconds=every) if every else None,
        parameters={"experiment": str(experiment.resolve())},
        limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
