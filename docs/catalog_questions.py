"""Questions that users ask of a catalog, each with its query."""

from dataclasses import dataclass

# What names in braces stand for on the page: the sample's own. The test puts another run's in their place.
SAMPLE = {"domain": "encyclopedia", "bucket": "19", "family": "code", "a": "c6e9b48adc54", "b": "0abc8ce9cf9f"}


@dataclass(frozen=True)
class Question:
    """One question; `note` says what the answer shows, where it needs words."""

    title: str
    query: str
    note: str = ""

    def asked(self, names: dict[str, str]) -> str:
        """The query about these names."""
        query = self.query
        for name, value in names.items():
            query = query.replace("{" + name + "}", value)
        return query


QUESTIONS = (
    Question(
        "Which domains gain weight, which lose it, and why?",
        """select domain, round(natural_weight, 3) as natural, round(weight, 3) as weight, capped,
  helps, round(helps_by, 4) as helps_by, hurts, round(hurts_by, 4) as hurts_by
from gains_and_losses""",
        "`helps_by` and `hurts_by` say what one more percent of the domain does to that family's bits per byte. "
        "A capped domain has reached the epoch cap: more tokens of it, or a looser cap, might raise its weight.",
    ),
    Question(
        "How does one domain's weight go with each family's scores?",
        "from why('{domain}')",
        "A correlation below 0 means: runs with more of the domain scored better.",
    ),
    Question(
        "What gets better and what gets worse?",
        """select name, round(gain, 3) as gain, round(gain_low, 3) as low, round(gain_high, 3) as high, verdict
from recommended_gains where recommendation = (select recommendation from latest_recommendation)""",
    ),
    Question(
        "What was recommended, when, and for what?",
        """select recommendation, made_at, current, target_text, budget, verdict
from recommendations order by made_at""",
        "All recommendations of the work folder are here, by earlier swarms too (`current` is false), and at other "
        "sizes (`at_size`; null is the swarm's own). "
        "`settings` has everything that was asked, for example `settings ->> '$.recommend.limits'`.",
    ),
    Question(
        "How do the mixes for several targets differ?",
        """pivot (select domain, target_text, weight from recommended_mixes)
on target_text using round(any_value(weight), 3) order by domain""",
    ),
    Question(
        "How do two recommendations differ?",
        """select domain, round(weight_a, 3) as weight_a, round(weight_b, 3) as weight_b, round(change, 3) as change,
  apart
from compare('{a}', '{b}')""",
        "A recommendation is given by its id or by the beginning of it. "
        "`apart` says that the intervals of the two weights do not overlap.",
    ),
    Question(
        "What does one gain that the other loses?",
        "select name, round(gain_a, 3) as gain_a, round(gain_b, 3) as gain_b from compare_gains('{a}', '{b}')",
    ),
    Question(
        "How often would each domain repeat?",
        """select target_text, domain, round(epochs, 2) as epochs, capped
from recommended_mixes where epochs > 1 order by epochs desc, target_text, domain limit 8""",
    ),
    Question(
        "Which runs are best and worst for a task or family?",
        """select rank, mix, seed, round(bpb, 3) as bpb, largest from runs_of('{family}')
where rank <= 3 or rank > (select count(*) from runs_of('{family}')) - 3 order by rank""",
        "The name is a task's or a family's.",
    ),
    Question(
        "How much does each task vary between mixes, against noise?",
        """select task, family, round(spread, 3) as spread, round(noise, 3) as noise,
  round(signal_to_noise, 1) as signal_to_noise, clear, law, round(rank_correlation, 2) as rank_correlation
from signal_by_task""",
    ),
    Question(
        "Which tasks are unclear?",
        "select task, family, round(signal_to_noise, 1) as signal_to_noise from signal_by_task where not clear",
        "An unclear task varies between mixes by less than twice the noise. It is left out of its family's mean.",
    ),
    Question(
        "What did the filters drop most?",
        """select source, step, reason, documents, round(share, 4) as share
from most_dropped qualify row_number() over (partition by source order by documents desc) <= 4
order by source, documents desc""",
    ),
    Question(
        "How much of a source is left after each step?",
        """select step, documents_in, documents_kept, documents_dropped, bytes_trimmed
from funnel_by_stage where source = 'web' and (documents_dropped > 0 or bytes_trimmed > 0)""",
    ),
    Question(
        "What is in the pool, and what did the swarm try?",
        """select domain, documents, tokens, round(natural_share, 4) as natural, round(least_tried, 3) as least_tried,
  round(most_tried, 3) as most_tried, round(recommended, 4) as recommended
from domain_summary""",
    ),
    Question(
        "Which documents are in a domain and a quality bucket?",
        "select id, round(quality, 3) as quality, tokens, left(text, 50) as begins "
        "from documents_of('{domain}', {bucket}) limit 3",
        "Without a bucket, as in `documents_of('{domain}')`, all of the domain's documents are listed, best first.",
    ),
    Question(
        "Which documents were dropped for a reason?",
        "select source, id, left(text, 50) as begins from dropped_by('too few words') limit 3",
        "`dropped` keeps a sample by step, reason and source. The argument is a reason or a step.",
    ),
    Question(
        "Which documents hold items of the eval suite?",
        "from contaminated_by_task",
        "`from contaminated` lists the documents with the matching text. In the sample there are none.",
    ),
    Question(
        "What do the training sets hold that were written?",
        """select blend, domain, round(share, 4) as share, tokens, documents, different, round(epochs, 2) as epochs
from blend_epochs""",
    ),
    Question("What did the swarm cost?", "from swarm_cost"),
    Question(
        "What does a column mean?",
        "select column_name, comment from duckdb_columns() where table_name = 'mix_weights'",
    ),
)
