"""Views and macros about the corpus: the funnel, what filters drop, domains, documents."""

from flows.catalog.tables.table import Macro, View

CORPUS_VIEWS: dict[str, View] = {
    "funnel_by_stage": View(
        "Documents and bytes in, kept, dropped and trimmed, by step and source",
        {
            "position": "order of the step, from 1",
            "step": "step of preparation, in the words of table funnel",
            "source": "named input of the experiment",
            "documents_in": "documents that reached the step",
            "documents_kept": "documents that it kept",
            "documents_dropped": "documents that it dropped",
            "bytes_in": "bytes that reached the step",
            "bytes_kept": "bytes that it kept",
            "bytes_dropped": "bytes of the documents that it dropped",
            "bytes_trimmed": "bytes that it took out of the documents that it kept",
        },
        """select position, step, source, sum(documents)::bigint as documents_in,
             coalesce(sum(documents) filter (reason = 'kept'), 0)::bigint as documents_kept,
             coalesce(sum(documents) filter (reason <> 'kept'), 0)::bigint as documents_dropped,
             sum(bytes_in)::bigint as bytes_in, sum(bytes_out)::bigint as bytes_kept,
             coalesce(sum(bytes_in) filter (reason <> 'kept'), 0)::bigint as bytes_dropped,
             coalesce(sum(bytes_in - bytes_out) filter (reason = 'kept'), 0)::bigint as bytes_trimmed
           from funnel group by all order by position, source""",
    ),
    "most_dropped": View(
        "Why documents were dropped, by source, the most frequent reason first",
        {
            "source": "named input of the experiment",
            "step": "step of preparation, in the words of table funnel",
            "reason": "why documents were dropped",
            "documents": "documents that were dropped for it",
            "share": "of the documents of the source that were read",
            "bytes": "their bytes",
        },
        """with reached as (select source, position, sum(documents) as documents from funnel group by all),
             begun as (select source, arg_min(documents, position) as documents from reached group by source)
           select f.source, f.step, f.reason, f.documents, f.documents / b.documents as share, f.bytes_in as bytes
           from funnel f join begun b using (source) where f.reason <> 'kept' and f.documents > 0
           order by f.source, f.documents desc, f.step, f.reason""",
    ),
    "domain_summary": View(
        "Domains with their natural share, the range that the swarm tried, and the latest recommended weight",
        {
            "domain": "what a weight refers to: a source, or a source's topic",
            "documents": "documents, both splits",
            "tokens": "tokens of the training split",
            "natural_share": "share of the pool's training tokens",
            "least_tried": "smallest weight in a mix of the swarm",
            "most_tried": "largest weight in a mix of the swarm",
            "recommended": "weight in the latest recommendation by the current swarm",
        },
        """select d.domain, d.documents, d.tokens, d.natural_share, min(w.weight) as least_tried,
             max(w.weight) as most_tried, any_value(r.weight) as recommended
           from domains d left join mix_weights w using (domain)
             left join recommended_vs_natural r using (domain)
           group by all order by d.natural_share desc""",
    ),
    "contaminated_by_task": View(
        "How many documents hold items of each task of the eval suite",
        {
            "task": "task of the eval suite",
            "source": "named input of the experiment",
            "documents": "documents that hold an item of it",
            "items": "different items that they hold",
        },
        """select task, source, count(distinct id) as documents, count(distinct item) as items
           from contaminated group by all order by documents desc, task, source""",
    ),
}

CORPUS_MACROS: dict[str, Macro] = {
    "documents_of": Macro(
        "Documents of a domain and a quality bucket; without a bucket those of all its buckets, best first",
        "wanted_domain, wanted_bucket := null",
        {
            "id": "id of the document",
            "source": "named input of the experiment",
            "bucket": "quality vigintile, 19 best",
            "quality": "quality score",
            "split": "train or validation",
            "tokens": "number of tokens",
            "url": "URL, where known",
            "text": "text; null for documents that came as tokens",
        },
        """select id, source, bucket, quality, split, tokens, url, text from documents
           where (domain = wanted_domain or (domain = regexp_replace(wanted_domain, '@(low|middle|high)$', '')
             and bucket in (select b.bucket from buckets b where b.domain = wanted_domain)))
             and (wanted_bucket is null or bucket = wanted_bucket)
           order by bucket desc, quality desc, id""",
    ),
    "dropped_by": Macro(
        "A sample of the documents that a step dropped, or that were dropped for a reason",
        "wanted",
        {
            "step": "step of preparation, in the words of table funnel",
            "reason": "why documents were dropped",
            "source": "named input of the experiment",
            "id": "id of the document",
            "text": "text when it was dropped",
        },
        """select step, reason, source, id, text from dropped where wanted in (step, reason)
           order by source, step, reason, id""",
    ),
}
