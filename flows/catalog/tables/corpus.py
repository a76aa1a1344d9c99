"""Tables about the corpus: sources, filters, classifiers, domains."""

from flows.catalog.tables.table import Table

CORPUS: dict[str, Table] = {
    "sources": Table(
        "Named inputs of the experiment",
        ("source",),
        {
            "source": ("VARCHAR", "name of the input, as the experiment gives it"),
            "format": ("VARCHAR", "warc, wet, jsonl, parquet or tokens"),
            "path": ("VARCHAR", "glob, as the experiment gives it"),
            "shards": ("BIGINT", "number of files"),
            "full_tokens": ("BIGINT", "tokens of the full corpus, where stated"),
        },
    ),
    "funnel": Table(
        "What each step took in, kept and dropped, by source and reason; sums always close",
        ("step", "source", "reason"),
        {
            "position": ("INTEGER", "order of the step, from 1"),
            "step": ("VARCHAR", "read, a filter, a round of deduplication, decontaminate or label"),
            "source": ("VARCHAR", "named input of the experiment"),
            "reason": ("VARCHAR", "kept, or why dropped or refused"),
            "documents": ("BIGINT", "number of documents"),
            "bytes_in": ("BIGINT", "bytes before the step"),
            "bytes_out": ("BIGINT", "bytes after it, 0 where dropped"),
        },
    ),
    "models": Table(
        "Versions of the classifiers: a hash of settings, training texts and code names each",
        ("classifier", "version"),
        {
            "classifier": ("VARCHAR", "quality or topic"),
            "version": ("VARCHAR", "a hash of settings, training texts and code names"),
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
            "version": ("VARCHAR", "a hash of settings, training texts and code names"),
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
            "version": ("VARCHAR", "a hash of settings, training texts and code names"),
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
            "task": ("VARCHAR", "task of the eval suite"),
            "items": ("BIGINT", "number of items"),
            "too_short": ("BIGINT", "items that are too short to be recognised"),
        },
    ),
    "domains": Table(
        "What a weight refers to, and what the pool holds of it",
        ("domain",),
        {
            "domain": ("VARCHAR", "a source, or a source's topic"),
            "source": ("VARCHAR", "named input of the experiment"),
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
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "bucket": ("INTEGER", "quality vigintile, 0 worst, 19 best"),
            "documents": ("BIGINT", "number of documents"),
            "bytes": ("BIGINT", "UTF-8 bytes"),
            "tokens": ("BIGINT", "number of tokens"),
            "lowest_quality": ("DOUBLE", "lowest score in it"),
            "highest_quality": ("DOUBLE", "highest score in it"),
        },
    ),
}
