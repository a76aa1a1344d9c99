"""Views and macros over the tables: the questions that users ask."""

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
