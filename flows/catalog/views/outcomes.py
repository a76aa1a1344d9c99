"""Views about training sets that were written."""

from flows.catalog.tables.table import View

OUTCOME_VIEWS: dict[str, View] = {
    "blend_epochs": View(
        "Training sets that were written, domain by domain, and how often they repeat each domain",
        {
            "blend": "id of the training set",
            "recommendation": "recommendation that it follows",
            "domain": "what a weight refers to: a source, or a source's topic",
            "weight": "as asked, share of tokens",
            "share": "as written, share of tokens",
            "tokens": "number of tokens",
            "documents": "documents, every copy counted",
            "different": "different documents among them",
            "epochs": "tokens ÷ the domain's training tokens in the pool",
        },
        """select b.blend, any_value(b.recommendation) as recommendation, d.domain, any_value(d.weight) as weight,
             any_value(d.share) as share, sum(d.tokens)::bigint as tokens, sum(d.documents)::bigint as documents,
             sum(d.different)::bigint as different,
             sum(d.tokens) / nullif(any_value(p.tokens), 0) as epochs
           from blends b join blend_domains d using (blend) left join domains p using (domain)
           group by b.blend, d.domain
           order by b.blend, share desc, d.domain""",
    ),
}
