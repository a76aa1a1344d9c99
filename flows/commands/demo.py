"""The command `demo`: a recommendation from a public swarm, with nothing to download or to train."""

from typing import TYPE_CHECKING

from flows.commands.options import AsJson

if TYPE_CHECKING:
    from mixes.recommendation.result import Recommendation

BUDGET = "6T"
WEIGHTS = {"code": 19.0, "math": 7.0, "qa": 26.0}  # of 52, in Olmix's configuration of this swarm


def demo(as_json: AsJson = False) -> None:
    """Recommend a mix of web topics from a public swarm, beside what OLMo 3 published. Takes about a minute."""
    import json
    from dataclasses import asdict

    from flows.commands.recommend import from_files, print_answer
    from flows.from_files import SwarmFiles
    from flows.show.progress import note
    from mixes.api.example import example_files
    from mixes.recommendation.settings import RecommendSettings

    files = example_files()
    note("demo", "Ai2's swarm for OLMo 3: proxies of 30M parameters on web topics (allenai/olmix, Apache-2.0)")
    swarm = SwarmFiles(str(files / "metrics.csv"), files / "ratios.csv", files / "families.yaml", files / "tokens.csv")
    recommendation, origin = from_files(None, RecommendSettings(target=WEIGHTS, budget=BUDGET), swarm)
    if as_json:
        print(json.dumps({**recommendation.to_json(), "swarm": asdict(origin)}, indent=1))
        return
    print_answer(recommendation, origin)
    _print_beside_published(recommendation)


def _print_beside_published(recommendation: "Recommendation") -> None:
    """The topics whose shares were published, and what to do next."""
    from mixes.api.example import example_files
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table
    from mixes.tables.read import read_table

    rows = [["domain", "OLMo 3 natural", "OLMo 3 mix", "natural", "recommended", "90 % interval", "direction"]]
    for row in read_table(example_files() / "published.csv").frame.iter_rows(named=True):
        domain = row["domain"]
        natural, (low, high) = recommendation.natural[domain], recommendation.intervals[domain]
        shares = (row["natural"], row["olmo3"], natural, recommendation.mix[domain])
        sure = "up" if low > natural else "down" if high < natural else "unsure"
        agrees = "the same" if sure == ("up" if row["olmo3"] > row["natural"] else "down") else sure
        rows.append([domain, *(f"{share:.1%}" for share in shares), f"{low:.1%} – {high:.1%}", agrees])
    console = plain_console()
    console.print(text_table("Beside what was published for OLMo 3's web part (arXiv 2512.13961)", rows))
    lines = (
        "The shares differ because OLMo 3 was mixed over another pool (Dolma 3, not DCLM), with another law and "
        "with its own limits.",
        "Next: `make recommend` runs the whole process on a sample corpus; `mixwright new DIR…` starts from your own.",
    )
    console.print("\n".join(lines), soft_wrap=True)
