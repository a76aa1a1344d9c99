"""Tables about recommendations: laws, mixes, predictions."""

from flows.catalog.tables.table import Table

RECOMMENDATIONS: dict[str, Table] = {
    "laws": Table(
        "Held-out quality of each law on each task, 5-fold over mixes",
        ("recommendation", "task", "law"),
        {
            "recommendation": ("VARCHAR", "recommendation that it was fitted for"),
            "task": ("VARCHAR", "task of the eval suite"),
            "law": ("VARCHAR", "a law's name; chosen: the choice made inside the folds"),
            "used": ("BOOLEAN", "whether it is the law that the recommendation uses"),
            "error": ("DOUBLE", "root mean squared held-out error, bpb"),
            "rank_correlation": ("DOUBLE", "Spearman, held-out predictions against scores"),
            "noise": (
                "DOUBLE",
                "standard deviation between proxies of one mix, less what a seed does to all mixes, bpb",
            ),
            "spread": ("DOUBLE", "standard deviation between mixes, bpb"),
            "precision": ("DOUBLE", "how much the mix of most seeds counts, a single run being 1"),
        },
    ),
    "recommendations": Table(
        "Recommendations of the work folder, by the current swarm and by earlier ones",
        ("recommendation",),
        {
            "recommendation": ("VARCHAR", "id, a hash of its content"),
            "number": ("BIGINT", "order in which its swarm's were made; the largest is the latest"),
            "made_at": ("TIMESTAMP", "when it was last recorded, UTC; null where an older version recorded it"),
            "swarm": ("VARCHAR", "hash of the runs that it is by"),
            "current": ("BOOLEAN", "whether that is the swarm whose mixes and runs this catalog shows"),
            "target": ("JSON", "task → weight"),
            "target_text": ("VARCHAR", "the same in words, family by family"),
            "budget": ("DOUBLE", "tokens of the training run"),
            "max_epochs": ("DOUBLE", "cap on repetition"),
            "settings": ("JSON", "everything that was asked: sections `recommend` (limits among it) and `upsampling`"),
            "evidence": ("JSON", "hashes of what it rests on: pool, suite, runs"),
            "verdict": ("VARCHAR", "of the target: better, not_distinguishable, worse"),
            "summary": ("VARCHAR", "the verdict in words, family by family"),
            "gap": ("DOUBLE", "no mix within the limits is predicted better by more, bpb; null: searched, not proven"),
            "regret": (
                "DOUBLE",
                "expected gain of the best mix within the limits over this one, by the imagined worlds",
            ),
            "noise_from": ("VARCHAR", "replicates, or residuals: estimated from what the laws leave unexplained"),
        },
        derived=("swarm", "current"),
    ),
    "recommendation_weights": Table(
        "The recommended mixes",
        ("recommendation", "domain"),
        {
            "recommendation": ("VARCHAR", "id of the recommendation"),
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "natural_weight": ("DOUBLE", "share of the pool's training tokens"),
            "weight": ("DOUBLE", "recommended weight"),
            "low": ("DOUBLE", "lower end of its interval"),
            "high": ("DOUBLE", "upper end of its interval"),
            "epochs": ("DOUBLE", "repetitions at the budget"),
            "capped": ("BOOLEAN", "whether the epoch cap binds"),
        },
    ),
    "recommendation_buckets": Table(
        "How often each quality bucket repeats under a recommended mix, where the experiment has `upsampling`",
        ("recommendation", "domain", "bucket"),
        {
            "recommendation": ("VARCHAR", "id of the recommendation"),
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "bucket": ("INTEGER", "vigintile of quality, 0 worst"),
            "tokens": ("DOUBLE", "tokens that a training run can draw on"),
            "repeat": ("DOUBLE", "how often they are taken; 0 is left out"),
            "taken": ("DOUBLE", "tokens of the training run"),
        },
    ),
    "predictions": Table(
        "Predicted bpb of target, families and tasks under three mixes",
        ("recommendation", "name"),
        {
            "recommendation": ("VARCHAR", "id of the recommendation"),
            "name": ("VARCHAR", "target, a family or a task"),
            "mix_bpb": ("DOUBLE", "under the recommended mix"),
            "natural_bpb": ("DOUBLE", "under natural"),
            "uniform_bpb": ("DOUBLE", "under uniform"),
            "gain": ("DOUBLE", "natural_bpb − mix_bpb"),
            "gain_low": ("DOUBLE", "lower end of its interval"),
            "gain_high": ("DOUBLE", "upper end of its interval"),
            "noise": ("DOUBLE", "standard deviation of a difference between two proxies of one mix"),
            "error": ("DOUBLE", "held-out error of the laws behind it, bpb"),
            "verdict": ("VARCHAR", "better, not_distinguishable or worse; null for single tasks"),
            "chance": ("DOUBLE", "that the mix beats natural"),
            "optimism": ("DOUBLE", "by how much the laws overstate the gain; taken off mix_bpb and gain already"),
            "mix_low": ("DOUBLE", "a single proxy's score on the mix lies above, at the intervals' coverage"),
            "mix_high": ("DOUBLE", "and below"),
            "checkpoint_bpb": ("DOUBLE", "of the checkpoint itself that proxies start from; null where from none"),
        },
    ),
    "marginals": Table(
        "What one more percent of a domain, taken from the others in proportion, does to each family",
        ("recommendation", "domain", "family"),
        {
            "recommendation": ("VARCHAR", "id of the recommendation"),
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "family": ("VARCHAR", "group of tasks whose scores are averaged"),
            "change": ("DOUBLE", "of its predicted bpb; below 0 is better"),
        },
    ),
    "cautions": Table(
        "What to know before a recommendation is used",
        ("recommendation", "kind"),
        {
            "recommendation": ("VARCHAR", "id of the recommendation"),
            "kind": (
                "VARCHAR",
                "outside_swarm, on_bound, spans_natural, few_runs, optimism, noisier_mix, unclear_tasks or "
                "unclear_families",
            ),
            "names": ("JSON", "domains or tasks that it is about"),
            "text": ("VARCHAR", "the caution"),
        },
    ),
}
