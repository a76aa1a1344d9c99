"""How much is quality worth, by the swarm's evidence? The parts of each domain beside the assumed upsampling curve.

    python benchmarks/quality_parts.py EXPERIMENT [--budget TOKENS]

EXPERIMENT has `pool.quality_parts`, and its swarm is trained. First table: what each part gets of its domain, in the
pool, in the recommended mix and by the curve of `upsampling` at its defaults. Second table: what the target gains when
a domain takes its weight from one part alone, or by the curve, rather than from all parts as the pool holds them. The
domain's weight is then the recommended one, and a tenth at least.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from flows.experiment import Experiment, load_experiment
from flows.recommend import run_flow
from flows.settings.question import available_tokens
from mixes.quality_parts import parts_of, whole_of
from mixes.recommendation.result import Recommendation
from mixes.upsampling import UpsamplingSettings, bucket_repeats, most_tokens
from pipeline.pool.content_hash import bucket_tokens
from pipeline.pool.pool import Pool
from pipeline.stages.graph import finished_pool

POOL = "as the pool"
WEIGHT = 0.1  # least weight of a domain whose parts are compared: with less of it they change nothing
LEAST = 1e-3  # weight of a domain below which it says nothing about its parts


def curve_shares(held: dict[str, list[float]], parts: tuple[str, ...], wanted: float) -> dict[str, float]:
    """Part → share of its domain by the assumed curve; held: part → tokens by bucket."""
    settings, longest = UpsamplingSettings(), max(len(held[part]) for part in parts)
    sizes = np.array([[*held[part], *[0.0] * (longest - len(held[part]))] for part in parts])
    whole = sizes.sum(axis=0)
    wanted = float(np.clip(wanted, 1.0, most_tokens(whole, settings)))
    repeats = np.array(bucket_repeats({"whole": 1.0}, wanted, {"whole": whole.tolist()}, settings)["whole"])
    return dict(zip(parts, ((sizes * repeats).sum(axis=1) / wanted).tolist(), strict=True))


def other_splits(experiment: Experiment, pool: Pool, answer: Recommendation) -> dict[str, dict[str, dict[str, float]]]:
    """Domain → split → part → share of the domain."""
    held = bucket_tokens(pool, available_tokens(experiment, pool))
    names, splits = tuple(sorted(answer.mix)), {}
    for domain in sorted({whole_of(name) for name in names} - set(names)):
        parts = parts_of(domain, names)
        natural, weight = (sum(mix[part] for part in parts) for mix in (answer.natural, answer.mix))
        splits[domain] = {
            POOL: {part: answer.natural[part] / natural for part in parts},
            "by the curve": curve_shares(held, parts, weight * (answer.budget or 0.0)),
            **{f"all {part.rpartition('@')[2]}": {name: float(name == part) for name in parts} for part in parts},
        }
    return splits


def shares_table(answer: Recommendation, splits: dict[str, dict[str, dict[str, float]]]) -> Table:
    """What each part gets of its domain."""
    table = Table("part", "pool", "by the curve", "recommended", "weight", "90 % interval", title="Share of its domain")
    for domain, split in splits.items():
        weight = sum(answer.mix[part] for part in split[POOL])
        for part in sorted(split[POOL], key=lambda name: ("low", "middle", "high").index(name.split("@")[-1])):
            low, high = answer.intervals[part]
            own = f"{answer.mix[part] / weight:.0%}" if weight > LEAST else f"none of {domain}"
            table.add_row(
                part, f"{split['as the pool'][part]:.0%}", f"{split['by the curve'][part]:.0%}", own,
                f"{answer.mix[part]:.2%}", f"{low:.2%} – {high:.2%}",
            )  # fmt: skip
    return table


def with_split(mix: dict[str, float], shares: dict[str, float]) -> dict[str, float]:
    """The mix with a domain of at least WEIGHT that is split by `shares`; other domains give what it lacks."""
    weight = max(WEIGHT, sum(mix[part] for part in shares))
    others = sum(value for name, value in mix.items() if name not in shares)
    return {
        name: weight * shares[name] if name in shares else value * (1 - weight) / others for name, value in mix.items()
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--budget")
    asked = parser.parse_args()
    experiment = load_experiment(asked.experiment)
    settings = experiment.recommend.model_copy(update={"budget": asked.budget} if asked.budget else {})
    answer = run_flow(experiment, settings)
    splits = other_splits(experiment, Pool(finished_pool(experiment.corpus)), answer)
    console = Console(width=120)
    console.print(shares_table(answer, splits))
    table = Table("domain", "split", "gain (bpb)", "90 % interval", title=f"Gain on the target over {POOL!r}")
    for domain, of_domain in splits.items():
        compare = {name: with_split(answer.mix, shares) for name, shares in of_domain.items()}
        for row in run_flow(experiment, settings.model_copy(update={"compare": compare})).beside:
            if row.against == POOL:
                ends = f"{row.gain_low:+.4f} – {row.gain_high:+.4f}"
                table.add_row(domain, row.name, f"{row.gain:+.4f}", ends)
    console.print(table)
    console.print(f"Noise of a difference between two proxies: {answer.predicted['target'].noise:.4f} bpb")


if __name__ == "__main__":
    main()
