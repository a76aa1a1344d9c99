"""Views and macros about recommendations: the latest, and all of the work folder side by side."""

from flows.catalog.tables.recommendations import RECOMMENDATIONS
from flows.catalog.tables.table import Macro, View

ABOUT = {
    "recommendation": "id of the recommendation",
    "made_at": "when it was recorded, UTC; null where an older version recorded it",
    "current": "whether it is by the current swarm",
    "at_size": "size that it is for, by runs of several sizes; null: the swarm's own",
    "target_text": "what it is for: family and weight",
    "budget": "tokens of the training run",
    "max_epochs": "cap on repetition",
}
MIX = {
    "domain": "what a weight refers to: a source, or a source's topic",
    "natural_weight": "share of the pool's training tokens",
    "weight": "recommended weight",
    "ratio": "weight ÷ natural_weight",
    "low": "lower end of the weight's interval",
    "high": "upper end of it",
    "epochs": "repetitions at the budget",
    "capped": "whether the epoch cap binds",
}

RECOMMENDATION_VIEWS: dict[str, View] = {
    "latest_recommendation": View(
        "The latest recommendation by the current swarm, of its own size",
        {name: comment for name, (_, comment) in RECOMMENDATIONS["recommendations"].columns.items()},
        "from recommendations where current and at_size is null order by number desc limit 1",
    ),
    "recommended_vs_natural": View(
        "The latest recommendation, domain by domain",
        {**MIX, "recommendation": "id of the recommendation"},
        """select domain, natural_weight, weight, weight / natural_weight as ratio, low, high, epochs, capped,
             recommendation
           from recommendation_weights join latest_recommendation using (recommendation) order by weight desc""",
    ),
    "recommended_buckets": View(
        "The latest recommendation, bucket by bucket",
        {
            "domain": "what a weight refers to: a source, or a source's topic",
            "bucket": "vigintile of quality, 0 worst",
            "tokens": "tokens that a training run can draw on",
            "repeat": "how often they are taken; 0 is left out",
            "taken": "tokens of the training run",
        },
        """select domain, bucket, tokens, repeat, taken
           from recommendation_buckets join latest_recommendation using (recommendation) order by domain, bucket""",
    ),
    "gains_and_losses": View(
        "Which domains gain and lose weight in the latest recommendation, and which families they help and hurt",
        {
            "domain": "what a weight refers to: a source, or a source's topic",
            "natural_weight": "share of the pool's training tokens",
            "weight": "recommended weight",
            "change": "weight − natural_weight",
            "capped": "whether the epoch cap keeps the weight from growing",
            "helps": "family that one more percent of the domain helps most; null where it helps none",
            "helps_by": "change of that family's predicted bpb; below 0 is better",
            "hurts": "family that one more percent of the domain hurts most; null where it hurts none",
            "hurts_by": "change of that family's predicted bpb; above 0 is worse",
        },
        """with moved as (select m.domain, arg_min(m.family, m.change) filter (m.change < 0) as helps,
               min(m.change) filter (m.change < 0) as helps_by,
               arg_max(m.family, m.change) filter (m.change > 0) as hurts,
               max(m.change) filter (m.change > 0) as hurts_by
             from marginals m join latest_recommendation using (recommendation) group by m.domain)
           select domain, r.natural_weight, r.weight, r.weight - r.natural_weight as change, r.capped, m.helps,
             m.helps_by, m.hurts, m.hurts_by
           from recommended_vs_natural r left join moved m using (domain) order by change desc, domain""",
    ),
    "recommended_mixes": View(
        "All recommendations of the work folder, of all targets and days, domain by domain; their epochs too",
        {**ABOUT, **MIX},
        """select recommendation, made_at, current, at_size, target_text, budget, max_epochs, domain, natural_weight,
             weight, weight / nullif(natural_weight, 0) as ratio, low, high, epochs, capped
           from recommendation_weights join recommendations using (recommendation)
           order by made_at nulls first, number, recommendation, weight desc""",
    ),
    "recommended_gains": View(
        "All recommendations of the work folder, family by family: predicted gains, and measured ones where validated",
        {
            **ABOUT,
            "name": "target or a family",
            "gain": "predicted: natural's bpb − the mix's; more is better",
            "gain_low": "lower end of its interval",
            "gain_high": "upper end of its interval",
            "verdict": "better, not_distinguishable or worse",
            "measured_gain": "by the validation of most seeds; null where there is none",
            "measured_low": "lower end of its interval",
            "measured_high": "upper end of its interval",
            "came_true": "true, not_shown or false; null where nothing was called or validated",
        },
        """with measured as (from validations
               qualify row_number() over (partition by recommendation, name order by seeds desc, validation) = 1)
           select r.recommendation, r.made_at, r.current, r.at_size, r.target_text, r.budget, r.max_epochs, p.name,
             p.gain, p.gain_low, p.gain_high, p.verdict, v.gain as measured_gain, v.gain_low as measured_low,
             v.gain_high as measured_high, v.came_true
           from predictions p join recommendations r using (recommendation)
             left join measured v on v.recommendation = p.recommendation and v.name = p.name
           where p.verdict is not null
           order by r.made_at nulls first, r.number, r.recommendation, p.name <> 'target', p.name""",
    ),
}

PICKED = """select coalesce(arg_max(recommendation, (coalesce(made_at, 'epoch'::timestamp), number)),
                 error('no recommendation begins with ' || {0})) as recommendation
             from recommendations where starts_with(recommendation, {0})
               or starts_with(recommendation, 'recommendation-' || {0})"""

RECOMMENDATION_MACROS: dict[str, Macro] = {
    "compare": Macro(
        "Two recommendations side by side, domain by domain; each is given by its id, or by the beginning of it",
        "a, b",
        {
            "domain": "what a weight refers to: a source, or a source's topic",
            "weight_a": "weight in a",
            "interval_a": "its interval",
            "weight_b": "weight in b",
            "interval_b": "its interval",
            "change": "weight_b − weight_a",
            "apart": "whether the intervals do not overlap",
            "epochs_a": "repetitions at a's budget",
            "epochs_b": "repetitions at b's budget",
        },
        f"""with first as (from recommendation_weights join ({PICKED.format("a")}) using (recommendation)),
             second as (from recommendation_weights join ({PICKED.format("b")}) using (recommendation))
           select domain, x.weight as weight_a, [x.low, x.high] as interval_a, y.weight as weight_b,
             [y.low, y.high] as interval_b, coalesce(y.weight, 0) - coalesce(x.weight, 0) as change,
             x.high < y.low or y.high < x.low as apart, x.epochs as epochs_a, y.epochs as epochs_b
           from first x full join second y using (domain) order by change desc, domain""",
    ),
    "compare_gains": Macro(
        "Predicted gains of two recommendations side by side, for the target and each family",
        "a, b",
        {
            "name": "target (each its own) or a family",
            "gain_a": "predicted gain of a over natural, bpb",
            "interval_a": "its interval",
            "gain_b": "predicted gain of b over natural, bpb",
            "interval_b": "its interval",
        },
        f"""with first as (from recommended_gains join ({PICKED.format("a")}) using (recommendation)),
             second as (from recommended_gains join ({PICKED.format("b")}) using (recommendation))
           select name, x.gain as gain_a, [x.gain_low, x.gain_high] as interval_a, y.gain as gain_b,
             [y.gain_low, y.gain_high] as interval_b
           from first x full join second y using (name) order by name <> 'target', name""",
    ),
    "why": Macro(
        "Why a domain is recommended as it is: how its weight goes with each family's scores over the swarm",
        "wanted",
        {
            "family": "group of tasks whose scores are averaged",
            "correlation_with_bpb": "over runs, weight against bpb; below 0: more of the domain, better scores",
            "predicted_gain": "of the family by the latest recommendation, bpb",
            "natural_weight": "share of the pool's training tokens",
            "weight": "weight in the latest recommendation",
            "capped": "whether the epoch cap binds",
        },
        """select s.family, corr(w.weight, s.bpb) as correlation_with_bpb, any_value(p.gain) as predicted_gain,
             any_value(v.natural_weight) as natural_weight, any_value(v.weight) as weight,
             any_value(v.capped) as capped
           from swarm s join mix_weights w using (mix) join recommended_vs_natural v using (domain)
             left join (select name, gain from predictions join latest_recommendation using (recommendation)) p
               on p.name = s.family
           where w.domain = wanted group by s.family order by correlation_with_bpb""",
    ),
}
