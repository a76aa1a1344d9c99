"""Views over the documents' own files, which may be billions of rows and are not copied into the catalog."""

from flows.catalog.tables.table import FileView

OVER_FILES: dict[str, FileView] = {
    "documents": FileView(
        "The pool: one row per document",
        {
            "id": ("VARCHAR", "id, a hash of source, file, place in it and name"),
            "source": ("VARCHAR", "named input of the experiment"),
            "domain": ("VARCHAR", "what a weight refers to: a source, or a source's topic"),
            "bucket": ("BIGINT", "quality vigintile in its domain, 0 worst, 19 best"),
            "split": ("VARCHAR", "train or validation"),
            "topic": ("VARCHAR", "topic; null where the source is not split by topic"),
            "topic_score": ("DOUBLE", "probability of the topic"),
            "quality": ("DOUBLE", "quality score, 0 to 1; null where quality is not scored"),
            "url": ("VARCHAR", "URL, where known"),
            "date": ("VARCHAR", "date, where known"),
            "license": ("VARCHAR", "licence, where known"),
            "bytes": ("BIGINT", "UTF-8 bytes"),
            "tokens": ("BIGINT", "number of tokens"),
            "text": ("VARCHAR", "text; null for documents that came as tokens"),
        },
    ),
    "dropped": FileView(
        "A sample of the documents that each filter dropped, by step, reason and source, for the eye",
        {
            "step": ("VARCHAR", "step that dropped it"),
            "reason": ("VARCHAR", "why it was dropped"),
            "source": ("VARCHAR", "named input of the experiment"),
            "id": ("VARCHAR", "id of the document"),
            "text": ("VARCHAR", "its text when it was dropped"),
        },
    ),
    "contaminated": FileView(
        "Documents that hold an item of the eval suite; empty where decontamination is off",
        {
            "id": ("VARCHAR", "id of the document"),
            "source": ("VARCHAR", "named input of the experiment"),
            "task": ("VARCHAR", "task of the eval suite"),
            "item": ("VARCHAR", "id of an item of the eval suite"),
            "share": ("DOUBLE", "share of the item that the document holds"),
            "matched": ("VARCHAR", "the matching text"),
        },
    ),
    "refused": FileView(
        "Records that could not be read",
        {
            "source": ("VARCHAR", "named input of the experiment"),
            "shard": ("VARCHAR", "file that holds it"),
            "offset": ("BIGINT", "where in it: bytes, or the row of a Parquet file"),
            "reason": ("VARCHAR", "why it could not be read"),
            "fatal": ("BOOLEAN", "whether the rest of the file could not be read either"),
        },
    ),
}
