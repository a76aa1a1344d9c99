"""The command `explore`: a local web page on which the question can be moved and the answer follows."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Families, Metrics, Olmix, Ratios, Rescale, Tokens, Unit
from flows.commands.recommend_options import Budget, LawName, MaxEpochs, Standardise, Target
from flows.commands.swarm_files import swarm_files, with_olmix
from flows.errors import ExperimentError
from flows.settings.asked import asked

PORT = 8640
NOT_AT_A_SIZE = "--at is not possible here — `recommend-mix` and `mixwright report` answer at a size"


def explore(
    experiment: Annotated[
        Path | None, typer.Argument(metavar="[EXP.yaml]", help="The experiment file; or give --ratios and --metrics.")
    ] = None,
    recommendation: Annotated[
        str | None, typer.Option(help="Id of the recommendation to begin with, or its beginning. Default: the latest.")
    ] = None,
    target: Target = None,
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    standardise: Standardise = None,
    law: LawName = None,
    at: Annotated[str | None, typer.Option(hidden=True)] = None,  # refused, in a line of its own
    ratios: Ratios = None,
    metrics: Metrics = None,
    families: Families = None,
    tokens: Tokens = None,
    unit: Unit = None,
    rescale: Rescale = False,
    olmix: Olmix = None,
    port: Annotated[
        int, typer.Option(min=1024, max=65_535, help="Port on this machine; if it is in use, the next free one.")
    ] = PORT,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Explore a swarm in the browser: move weights, budget and limits, and the best mix follows.

    The page is served on this machine only, by marimo. Nothing is trained: the swarm must be finished.
    """
    if at is not None:
        raise ExperimentError(f"explore: {NOT_AT_A_SIZE}")
    files = swarm_files("explore", locals())
    import marimo  # noqa: F401  its absence is an error before anything is read

    from flows.experiment import load_experiment
    from flows.explorer.explored import explored_experiment, explored_files
    from flows.explorer.serve import free_socket, serve
    from flows.show.progress import note

    listening = free_socket(port)
    if (taken := listening.getsockname()[1]) != port:
        note("explore", f"port {port} is in use; taking {taken}")
    loaded = load_experiment(experiment) if experiment else None
    changes = {"budget": budget, "max_epochs": max_epochs, "law": law, "standardise": standardise}
    changed = any(value is not None for value in (target, *changes.values()))
    if files is None:
        assert experiment
        if changed:
            raise ExperimentError(
                "explore: --target, --budget, --max-epochs, --standardise and --law go with --metrics — of an "
                "experiment they are set on the page, or in its file"
            )
        opened = explored_experiment(experiment, recommendation)
    else:
        settings = asked(loaded, target, None, None, None, **with_olmix(files, changes))
        opened = explored_files(loaded, settings, files)
    serve(opened, listening, browser)
