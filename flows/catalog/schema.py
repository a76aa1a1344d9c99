"""The catalog's tables, columns, keys and views: the one place that says what each of them means."""

from dataclasses import dataclass

VERSION = 8  # raised when a table changes so that older tools would misread it


@dataclass(frozen=True)
class Table:
    """One table: column → (type, comment)."""

    comment: str
    key: tuple[str, ...]
    columns: dict[str, tuple[str, str]]


TABLES: dict[str, Table] = {
    "sources": Table(
        "Named inputs of the experiment",
        ("source",),
        {
            "source": ("VARCHAR", "name"),
            "format": ("VARCHAR", "warc, wet, jsonl, parquet or tokens"),
            "path": ("VARCHAR", "glob, as the experiment gives it"),
            "shards": ("BIGINT", "files"),
            "full_tokens": ("BIGINT", "tokens of the full corpus, where stated"),
        },
    ),
    "funnel": Table(
        "What each step took in, kept and dropped, by source and reason; sums always close",
        ("step", "source", "reason"),
        {
            "position": ("INTEGER", "order of the step, from 1"),
            "step": ("VARCHAR", "read, a filter, a round of deduplication, decontaminate or label"),
            "source": ("VARCHAR", "source"),
            "reason": ("VARCHAR", "kept, or why dropped or refused"),
            "documents": ("BIGINT", "documents"),
            "bytes_in": ("BIGINT", "bytes before the step"),
            "bytes_out": ("BIGINT", "bytes after it, 0 where dropped"),
        },
    ),
    "models": Table(
        "Versions of the classifiers: a hash of settings, training texts and code names each",
        ("classifier", "version"),
        {
            "classifier": ("VARCHAR", "quality or topic"),
            "version": ("VARCHAR", "version"),
            "current": ("BOOLEAN", "whether the pool was labelled by it"),
            "origin": ("VARCHAR", "trained, or the hash of a ready model's file"),
            "settings": ("JSON", "what it was trained with (found by autotune or given), and its calibration"),
            "sources": ("JSON", "source → texts that it learned from, or was measured on where it came ready"),
        },
    ),
    "classifiers": Table(
        "Held-out quality of each version, cross-fitted, and of what the texts' length alone would reach",
        ("classifier", "version", "measure"),
        {
            "classifier": ("VARCHAR", "quality or topic"),
            "version": ("VARCHAR", "version"),
            "measure": (
                "VARCHAR",
                "texts, texts:<label>, average_precision, roc_auc (both also :length_only), accuracy, macro_f1, "
                "f1:<topic>, calibration_error:raw and :calibrated (expected calibration error), "
                "agreement:<earlier version> (Spearman of quality scores, share of equal topics)",
            ),
            "value": ("DOUBLE", "its value"),
        },
    ),
    "reliability": Table(
        "How often held-out probabilities come true: that a text is good, or that its most probable topic is right",
        ("classifier", "version", "calibrated", "bin"),
        {
            "classifier": ("VARCHAR", "quality or topic"),
            "version": ("VARCHAR", "version"),
            "calibrated": ("BOOLEAN", "after calibration by the other folds, or before"),
            "bin": ("INTEGER", "tenth of the predicted probability, 0 to 9"),
            "texts": ("BIGINT", "texts in it"),
            "predicted": ("DOUBLE", "mean predicted probability"),
            "observed": ("DOUBLE", "share that came true"),
        },
    ),
    "checked_items": Table(
        "Items of the eval suite that documents were searched for",
        ("task",),
        {
            "task": ("VARCHAR", "task"),
            "items": ("BIGINT", "items"),
            "too_short": ("BIGINT", "items that are too short to be recognised"),
        },
    ),
    "domains": Table(
        "What a weight refers to, and what the pool holds of it",
        ("domain",),
        {
            "domain": ("VARCHAR", "a source, or a source's topic"),
            "source": ("VARCHAR", "source"),
            "documents": ("BIGINT", "documents, both splits"),
            "bytes": ("BIGINT", "UTF-8 bytes, both splits"),
            "tokens": ("BIGINT", "tokens of the training split"),
            "validation_tokens": ("BIGINT", "tokens of the validation split"),
            "available_tokens": ("DOUBLE", "tokens that a training run can draw on"),
            "natural_share": ("DOUBLE", "share of the pool's training tokens"),
        },
    ),
    "buckets": Table(
        "Quality vigintiles by domain, 0 worst, 19 best; one bucket where quality is not scored",
        ("domain", "bucket"),
        {
            "domain": ("VARCHAR", "domain"),
            "bucket": ("INTEGER", "vigintile"),
            "documents": ("BIGINT", "documents"),
            "bytes": ("BIGINT", "UTF-8 bytes"),
            "tokens": ("BIGINT", "tokens"),
            "lowest_quality": ("DOUBLE", "lowest score in it"),
            "highest_quality": ("DOUBLE", "highest score in it"),
        },
    ),
    "suite": Table(
        "What became of the eval suite's items at the proxies' context",
        ("task",),
        {
            "task": ("VARCHAR", "task"),
            "family": ("VARCHAR", "family"),
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
            "mix": ("VARCHAR", "natural, uniform or mix-nnn"),
            "round": ("BIGINT", "round of the swarm that drew it, from 1"),
            "proxies": ("BIGINT", "proxies trained on it"),
        },
    ),
    "mix_weights": Table(
        "Weights of the swarm's mixes; they sum to 1 by mix",
        ("mix", "domain"),
        {
            "mix": ("VARCHAR", "mix"),
            "domain": ("VARCHAR", "domain"),
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
            "mix": ("VARCHAR", "mix"),
            "seed": ("BIGINT", "of initial weights and data order"),
            "pool": ("VARCHAR", "pool"),
            "suite": ("VARCHAR", "tokenised suite"),
            "size": ("VARCHAR", "named by non-embedding parameters"),
            "parameters": ("BIGINT", "parameters, embedding included"),
            "tokens": ("BIGINT", "trained on"),
            "device": ("VARCHAR", "cpu or cuda"),
            "torch": ("VARCHAR", "version"),
            "batch": ("BIGINT", "sequences of a step"),
            "learning_rate": ("DOUBLE", "peak"),
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
            "run": ("VARCHAR", "run"),
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
            "run": ("VARCHAR", "run"),
            "task": ("VARCHAR", "task"),
            "item": ("VARCHAR", "item"),
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
    "laws": Table(
        "Held-out quality of each law on each task, 5-fold over mixes",
        ("recommendation", "task", "law"),
        {
            "recommendation": ("VARCHAR", "recommendation that it was fitted for"),
            "task": ("VARCHAR", "task"),
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
        "Recommendations of the current swarm",
        ("recommendation",),
        {
            "recommendation": ("VARCHAR", "id, a hash of its content"),
            "number": ("BIGINT", "order in which they were made; the largest is the latest"),
            "target": ("JSON", "task → weight"),
            "budget": ("DOUBLE", "tokens of the training run"),
            "max_epochs": ("DOUBLE", "cap on repetition"),
            "verdict": ("VARCHAR", "of the target: better, not_distinguishable, worse"),
            "summary": ("VARCHAR", "the verdict in words, family by family"),
            "gap": ("DOUBLE", "no mix within the limits is predicted better by more, bpb; null: searched, not proven"),
            "noise_from": ("VARCHAR", "replicates, or residuals: an upper bound from what the laws leave unexplained"),
        },
    ),
    "recommendation_weights": Table(
        "The recommended mixes",
        ("recommendation", "domain"),
        {
            "recommendation": ("VARCHAR", "recommendation"),
            "domain": ("VARCHAR", "domain"),
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
            "recommendation": ("VARCHAR", "recommendation"),
            "domain": ("VARCHAR", "domain"),
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
            "recommendation": ("VARCHAR", "recommendation"),
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
            "recommendation": ("VARCHAR", "recommendation"),
            "domain": ("VARCHAR", "domain"),
            "family": ("VARCHAR", "family"),
            "change": ("DOUBLE", "of its predicted bpb; below 0 is better"),
        },
    ),
    "cautions": Table(
        "What to know before a recommendation is used",
        ("recommendation", "kind"),
        {
            "recommendation": ("VARCHAR", "recommendation"),
            "kind": (
                "VARCHAR",
                "outside_swarm, on_bound, spans_natural, few_runs, optimism, unclear_tasks or unclear_families",
            ),
            "names": ("JSON", "domains or tasks that it is about"),
            "text": ("VARCHAR", "the caution"),
        },
    ),
    "validations": Table(
        "Recommendations of the current swarm put to the test: natural, uniform and the mix trained anew",
        ("validation", "name"),
        {
            "validation": ("VARCHAR", "id, a hash of the recommendation and the runs"),
            "recommendation": ("VARCHAR", "recommendation"),
            "size": ("VARCHAR", "of the proxies, named by non-embedding parameters"),
            "tokens": ("BIGINT", "trained on"),
            "seeds": ("BIGINT", "proxies a mix; intervals are 90 %, Student's t over them"),
            "name": ("VARCHAR", "target or a family"),
            "natural_bpb": ("DOUBLE", "under natural, mean over seeds"),
            "natural_bpb_low": ("DOUBLE", "lower end of its interval"),
            "natural_bpb_high": ("DOUBLE", "upper end of its interval"),
            "uniform_bpb": ("DOUBLE", "under uniform"),
            "uniform_bpb_low": ("DOUBLE", "lower end of its interval"),
            "uniform_bpb_high": ("DOUBLE", "upper end of its interval"),
            "mix_bpb": ("DOUBLE", "under the recommended mix"),
            "mix_bpb_low": ("DOUBLE", "lower end of its interval"),
            "mix_bpb_high": ("DOUBLE", "upper end of its interval"),
            "half_bpb": ("DOUBLE", "under the recommended mix trained on half of the tokens"),
            "quarter_bpb": ("DOUBLE", "and on a quarter"),
            "gain": ("DOUBLE", "natural_bpb − mix_bpb"),
            "gain_low": ("DOUBLE", "lower end of its interval, paired by seed"),
            "gain_high": ("DOUBLE", "upper end of its interval"),
            "predicted_gain": ("DOUBLE", "what the recommendation had predicted, at the swarm's size and tokens"),
            "predicted_gain_low": ("DOUBLE", "lower end of its interval"),
            "predicted_gain_high": ("DOUBLE", "upper end of its interval"),
            "agreement": (
                "VARCHAR",
                "inside: gain in its predicted interval; overlaps: only their intervals do; apart",
            ),
            "multiplier": ("DOUBLE", "times fewer tokens for natural's score; 1: or less, 4: or more"),
            "multiplier_low": ("DOUBLE", "lower end of its interval; 1: or less"),
            "multiplier_high": ("DOUBLE", "upper end of its interval; 4: or more"),
            "verdict": ("VARCHAR", "what was called: better, not_distinguishable or worse"),
            "measured": ("VARCHAR", "better or worse where the gain's interval leaves out zero"),
            "came_true": ("VARCHAR", "true, not_shown or false; null where nothing was called"),
        },
    ),
    "blends": Table(
        "Training sets that were written from the current pool",
        ("blend",),
        {
            "blend": ("VARCHAR", "id, a hash of all that decides its bytes"),
            "recommendation": ("VARCHAR", "recommendation that it follows"),
            "after": ("VARCHAR", "blend that it goes on from, null where it begins anew"),
            "folder": ("VARCHAR", "where it was written"),
            "format": ("VARCHAR", "jsonl, parquet, megatron, olmo-core, datatrove or mds"),
            "asked_tokens": ("BIGINT", "tokens asked"),
            "tokens": ("BIGINT", "tokens written"),
            "documents": ("BIGINT", "documents written, every copy counted"),
            "shards": ("BIGINT", "files"),
            "seed": ("BIGINT", "of the shuffle"),
        },
    ),
    "blend_domains": Table(
        "What each blend holds of each quality bucket of a domain",
        ("blend", "domain", "bucket"),
        {
            "blend": ("VARCHAR", "blend"),
            "domain": ("VARCHAR", "domain"),
            "bucket": ("INTEGER", "quality vigintile, 0 worst"),
            "weight": ("DOUBLE", "of the whole domain as asked, share of tokens"),
            "share": ("DOUBLE", "of the whole domain as written, share of tokens"),
            "tokens": ("BIGINT", "tokens of this bucket"),
            "documents": ("BIGINT", "documents of this bucket, every copy counted"),
            "different": ("BIGINT", "different documents among them"),
            "epochs": ("DOUBLE", "tokens ÷ the bucket's tokens in the pool"),
            "used_epochs": ("DOUBLE", "the same with the blends that this one goes on from"),
        },
    ),
    "lineage": Table(
        "Which stage was made from which",
        ("stage", "input"),
        {"stage": ("VARCHAR", "stage id"), "input": ("VARCHAR", "id of a stage, or hash of files")},
    ),
}

OVER_FILES: dict[str, str] = {
    "documents": "The pool, a row a document, over its Parquet files; the text of what came as tokens is null",
    "dropped": "A sample of the documents that each filter dropped, by step, reason and source, for the eye",
    "contaminated": "Documents that hold an eval item: id, source, task, item, share of it, the matching text",
    "refused": "Records that could not be read: source, shard, offset (bytes, or a Parquet row), reason, fatal",
}

VIEWS: dict[str, tuple[str, str]] = {
    "funnel_by_stage": (
        "Documents and bytes in, kept, dropped and trimmed, by step and source",
        """select position, step, source, sum(documents)::bigint as documents_in,
             coalesce(sum(documents) filter (reason = 'kept'), 0)::bigint as documents_kept,
             coalesce(sum(documents) filter (reason <> 'kept'), 0)::bigint as documents_dropped,
             sum(bytes_in)::bigint as bytes_in, sum(bytes_out)::bigint as bytes_kept,
             coalesce(sum(bytes_in) filter (reason <> 'kept'), 0)::bigint as bytes_dropped,
             coalesce(sum(bytes_in - bytes_out) filter (reason = 'kept'), 0)::bigint as bytes_trimmed
           from funnel group by all order by position, source""",
    ),
    "domain_summary": (
        "Domains with their natural share, the range that the swarm tried, and the latest recommended weight",
        """select d.domain, d.documents, d.tokens, d.natural_share, min(w.weight) as least_tried,
             max(w.weight) as most_tried, any_value(r.weight) as recommended
           from domains d left join mix_weights w using (domain)
             left join recommended_vs_natural r using (domain)
           group by all order by d.natural_share desc""",
    ),
    "recommended_buckets": (
        "The latest recommendation, bucket by bucket",
        """select domain, bucket, tokens, repeat, taken
           from recommendation_buckets join recommendations using (recommendation)
           where number = (select max(number) from recommendations) order by domain, bucket""",
    ),
    "swarm": (
        "Every run with its mean bpb by family",
        """select r.run, r.mix, r.seed, f.family, f.bpb from runs r
             join (select run, family, avg(bpb) as bpb from scores where kind = 'task' group by all) f using (run)
           order by r.mix, r.seed, f.family""",
    ),
    "best_runs": (
        "Runs by their mean over families, best first",
        "select run, mix, seed, avg(bpb) as bpb from swarm group by all order by bpb, run",
    ),
    "recommended_vs_natural": (
        "The latest recommendation, domain by domain",
        """select domain, natural_weight, weight, weight / natural_weight as ratio, low, high, epochs, capped,
             recommendation
           from recommendation_weights join recommendations using (recommendation)
           where number = (select max(number) from recommendations) order by weight desc""",
    ),
}

WHY = """create macro why(wanted) as table
    select s.family, corr(w.weight, s.bpb) as correlation_with_bpb, any_value(p.gain) as predicted_gain,
      any_value(v.natural_weight) as natural_weight, any_value(v.weight) as weight, any_value(v.capped) as capped
    from swarm s join mix_weights w using (mix) join recommended_vs_natural v using (domain)
      left join (select name, gain from predictions join recommendations using (recommendation)
                 where number = (select max(number) from recommendations)) p on p.name = s.family
    where w.domain = wanted group by s.family order by correlation_with_bpb"""
