"""The command `plan`: what a swarm will cost, before anything runs."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile
from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.plan.plan import Plan

DEVICES = (
    "this", "a100", "b200", "h100", "h100-nvl", "h100-pcie", "h200", "l4", "l40s", "mi300x",
)  # fmt: skip
FLOPS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP")
BYTES = ("B", "kB", "MB", "GB", "TB", "PB")


def plan(
    experiment: ExperimentFile,
    device: Annotated[str, typer.Option(help=f"Device to plan for: {', '.join(DEVICES)}.")] = DEVICES[0],
    price: Annotated[float | None, typer.Option(min=0, max=1_000_000, help="Price of one device per hour.")] = None,
    utilisation: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="Share of a named device's peak that training reaches.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="4M or 1B:20B: compare ways to spend a budget on proxies of several sizes, by what they tell about "
            "this size (parameters:tokens)."
        ),
    ] = None,
    flops: Annotated[
        str | None, typer.Option(help="Budget of --at: 2e15, 300T. Default: what the experiment's swarm still costs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict what the swarm will cost and how certain its answer will be. Starts no stage and writes nothing.

    To measure the speed of this device, some proxies are trained for 20 seconds and thrown away; not with --at.
    """
    from flows.experiment import load_experiment

    if at is not None:
        if device != DEVICES[0] or price is not None or utilisation is not None:
            raise ExperimentError("plan: --at compares FLOPs — leave out --device, --price and --utilisation")
        from flows.plan.at_size import plan_at_size
        from flows.plan.table import print_plan
        from flows.show.progress import stage_progress

        loaded, budget = load_experiment(experiment), _flops(flops)
        with stage_progress("plan") as progress:
            found = plan_at_size(loaded, at, budget, progress)
        print(json.dumps(asdict(found), indent=1)) if as_json else print_plan(found)
        return
    if flops is not None:
        raise ExperimentError("plan: --flops is the budget of --at — name the size that the answer is for too")
    from flows.plan.plan import make_plan

    result = make_plan(load_experiment(experiment), device, utilisation, price)
    if as_json:
        print(json.dumps(asdict(result), indent=1))
        return
    from rich import box
    from rich.table import Table

    from mixes.show.console import plain_console

    table = Table(title=f"Plan of {result.experiment}", box=box.SIMPLE_HEAD, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for row in _rows(result):
        table.add_row(*row)
    console = plain_console()
    console.print(table)
    console.print("\n".join(_words(result)), soft_wrap=True)


def _flops(given: str | None) -> float | None:
    """A number of FLOPs."""
    from mixes.errors import MixError
    from mixes.sizes import parse_count

    try:
        return None if given is None else parse_count(given)
    except MixError:
        raise ExperimentError(f"--flops {given!r}: is no number above 0 — write for example 2e15 or 300T") from None


def _rows(result: "Plan") -> list[tuple[str, str, str]]:
    """Name, value, and what the value consists of."""
    left, proxy, device, disk = result.proxies - result.trained, result.proxy, result.device, result.disk
    parameters = proxy.parameters
    kept = f", of which {result.earlier:,} in an earlier swarm" if result.earlier else ""
    trained = f"{result.trained:,} are trained{kept}"
    rows = [
        ("domains", f"{len(result.domains)}", f"of {result.pool}" if result.pool else "expected"),
        ("mixes", f"{result.mixes:,}", "including natural and, where its tokens allow it, uniform"),
        ("proxies", f"{result.proxies:,}", f"{trained}; the rows below count the other {left:,}"),
        (
            "one proxy", proxy.size,
            f"{parameters.non_embedding:,} parameters, {parameters.embedding:,} of embedding and head "
            f"(vocabulary {proxy.vocabulary:,})",
        ),
        ("its tokens", f"{proxy.tokens:,}", f"{proxy.steps:,} steps of {proxy.batch:,} × {proxy.context:,}"),
        ("training", _scaled(result.flops.training, FLOPS), "matrix products, forward and backward"),
        ("evaluation", _scaled(result.flops.evaluation, FLOPS), "items of the suite, validation splits"),
        ("device", device.name, _device(result)),
        ("time", _time(result.hours), f"{result.hours:,.4g} hours"),
    ]  # fmt: skip
    if result.cost is not None:
        rows.append(("cost", f"{result.cost:,.2f}", f"{result.price:g} per device and hour; devices: {device.count}"))
    return [
        *rows,
        (
            "disk", _scaled(disk.most, BYTES),
            f"at most: records {_scaled(disk.records, BYTES)}, checkpoints {_scaled(disk.checkpoints, BYTES)}, "
            f"models {_scaled(disk.models, BYTES)}",
        ),
        (
            "interval", f"± {result.interval.half_width:.2g} bpb",
            f"{result.interval.coverage:.0%} interval of the predicted gain on the target",
        ),
    ]  # fmt: skip


def _device(result: "Plan") -> str:
    device = result.device
    reached = f"{_scaled(device.speed * device.workers, FLOPS)}/s"
    at_once = f"{device.workers} workers at once" if device.workers > 1 else "one worker"
    at_once += f", {device.cohort} proxies together" if device.cohort > 1 else ""
    if device.utilisation is None:
        return f"{reached} and {device.tokens:,.0f} tokens/s measured; {at_once}"
    return f"{reached}, {device.utilisation:.1%} of the peak ({device.origin}); {at_once}"


def _words(result: "Plan") -> list[str]:
    """Assumptions, and the origin of the interval."""
    interval = result.interval
    origin = {
        "replicates": "measured on this experiment's replicates",
        "sample": "what the sample's proxies showed; larger ones on more tokens are less noisy",
    }
    return [
        *(f"Assumed: {line}" for line in result.assumptions),
        f"Interval: a linear law's leverage at the swarm's median mix, with {interval.noise:.2g} bpb of noise per "
        f"score ({origin[interval.noise_from]}); right to a factor of 2 where gains exceed the noise.",
        "Not counted: preparing the pool, fitting the laws (seconds to minutes), and a GPU's compiler (20 s per cohort "
        "on an H200).",
    ]


def _scaled(value: float, units: tuple[str, ...]) -> str:
    """Three digits and a unit, each unit being a thousand of the one before."""
    step = 0
    while value >= 999.5 and step < len(units) - 1:
        value, step = value / 1_000, step + 1
    return f"{value:.3g} {units[step]}"


def _time(hours: float) -> str:
    """In seconds, minutes, hours or days."""
    if hours < 1 / 60:
        return f"{3_600 * hours:.0f} s"
    if hours < 2:
        return f"{60 * hours:.0f} min"
    return f"{hours:,.0f} h" if hours < 48 else f"{hours / 24:,.1f} days"
