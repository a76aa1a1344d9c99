"""Tables about the swarm: the suite, mixes, runs and their scores."""

from flows.catalog.tables.table import Table

SWARM: dict[str, Table] = {
    "suite": Table(
        "What became of the eval suite's items at the proxies' context",
        ("task",),
        {
            "task": ("VARCHAR", "task of the eval suite"),
            "family": ("VARCHAR", "group of tasks whose scores are averaged"),
            "items": ("BIGINT", "items that every proxy is scored on"),
            "cut": ("BIGINT", "of them, those whose context was cut from the left; answers never are"),
            "left_out": ("BIGINT", "items that were drawn before these, and whose answer alone does not fit"),
            "answer_tokens": ("DOUBLE", "mean tokens of an answer"),
            "answer_bytes": ("DOUBLE", "mean UTF-8 bytes of an answer"),
        },
    ),
    "mixes": Table(
        "The swarm's mixes",
        ("mix",),
        {
            "mix": ("VARCHAR", "natural, uniform, mix-nnn or, of an earlier swarm, earlier-nnn"),
            "round": ("BIGINT", "round of the swarm that drew it, from 1; 0: kept from an earlier swarm (reuse.runs)"),
            "proxies": ("BIGINT", "proxies trained on it"),
        },
    ),
    "mix_weights": Table(
        "Weights of the swarm's mixes; they sum to 1 by mix",
        ("mix", "domain"),
        {
            "mix": ("VARCHAR", "natural, uniform or mix-nnn"),
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "weight": ("DOUBLE", "share of the proxy's tokens"),
            "epochs": (
                "DOUBLE",
                "how often the proxy repeats what it keeps of the domain: all, or a part by swarm.match_repetition",
            ),
        },
    ),
    "runs": Table(
        "Proxies that were trained",
        ("run",),
        {
            "run": ("VARCHAR", "id, a hash of all that decides its scores"),
            "mix": ("VARCHAR", "natural, uniform or mix-nnn"),
            "seed": (
                "BIGINT",
                "of initial weights and data order; those of an earlier pool's runs are counted on from a million",
            ),
            "pool": ("VARCHAR", "id of the pool that it was trained on"),
            "suite": ("VARCHAR", "tokenised suite"),
            "size": ("VARCHAR", "named by non-embedding parameters"),
            "parameters": ("BIGINT", "parameters, embedding included"),
            "tokens": ("BIGINT", "trained on"),
            "device": ("VARCHAR", "cpu or cuda"),
            "torch": ("VARCHAR", "version of torch"),
            "batch": ("BIGINT", "sequences of a step"),
            "learning_rate": ("DOUBLE", "largest learning rate of the schedule"),
            "status": ("VARCHAR", "trained, or diverged: at its rate and at half of it; such a run has no scores"),
            "attempt": ("BIGINT", "2 where the first diverged"),
            "cohort": ("BIGINT", "proxies trained together"),
            "parts": ("BIGINT", "pieces that a batch was computed in"),
            "loss": ("DOUBLE", "mean training loss of the last 20 steps, nats per token; null if diverged"),
            "seconds": ("DOUBLE", "training time of its cohort, divided by the cohort's size"),
            "waited": ("DOUBLE", "seconds that the cohort waited for data"),
            "weights": ("JSON", "the mix, domain → weight"),
        },
    ),
    "scores": Table(
        "Bits per byte of every run; lower is better",
        ("run", "kind", "task"),
        {
            "run": ("VARCHAR", "id of a trained proxy"),
            "kind": ("VARCHAR", "task (of the suite) or validation (of a domain)"),
            "task": ("VARCHAR", "task, or domain"),
            "family": ("VARCHAR", "family, or domain"),
            "bpb": ("DOUBLE", "bits per byte"),
            "items": ("BIGINT", "items that it is the mean of"),
        },
    ),
    "items": Table(
        "Bits per byte of every run on every item of the suite",
        ("run", "task", "item"),
        {
            "run": ("VARCHAR", "id of a trained proxy"),
            "task": ("VARCHAR", "task of the eval suite"),
            "item": ("VARCHAR", "id of an item of the eval suite"),
            "bpb": ("DOUBLE", "bits per byte"),
            "bytes": ("BIGINT", "of the answer"),
        },
    ),
    "checkpoint_scores": Table(
        "Bits per byte of the checkpoint that all runs started from, before any training; empty where from none",
        ("checkpoint", "kind", "task"),
        {
            "checkpoint": ("VARCHAR", "id, a hash of all that decides its scores"),
            "kind": ("VARCHAR", "task (of the suite) or validation (of a domain)"),
            "task": ("VARCHAR", "task, or domain"),
            "family": ("VARCHAR", "family, or domain"),
            "bpb": ("DOUBLE", "bits per byte"),
            "items": ("BIGINT", "items that it is the mean of"),
        },
    ),
}
