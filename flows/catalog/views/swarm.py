"""Views and macros about the swarm: runs, tasks, and what they cost."""

from flows.catalog.tables.table import Macro, View

SWARM_VIEWS: dict[str, View] = {
    "swarm": View(
        "Every run with its mean bpb by family",
        {
            "run": "id of a trained proxy",
            "mix": "natural, uniform or mix-nnn",
            "seed": "of initial weights and data order",
            "family": "group of tasks whose scores are averaged",
            "bpb": "mean over the family's tasks, bits per byte; lower is better",
        },
        """select r.run, r.mix, r.seed, f.family, f.bpb from runs r
             join (select run, family, avg(bpb) as bpb from scores where kind = 'task' group by all) f using (run)
           order by r.mix, r.seed, f.family""",
    ),
    "best_runs": View(
        "Runs by their mean over families, best first",
        {
            "run": "id of a trained proxy",
            "mix": "natural, uniform or mix-nnn",
            "seed": "of initial weights and data order",
            "bpb": "mean over families, bits per byte; lower is better",
        },
        "select run, mix, seed, avg(bpb) as bpb from swarm group by all order by bpb, run",
    ),
    "signal_by_task": View(
        "How much each task varies between mixes, against noise, by the latest recommendation of the current swarm",
        {
            "task": "task of the eval suite",
            "family": "group of tasks whose scores are averaged",
            "spread": "standard deviation between mixes, bpb",
            "noise": "standard deviation between proxies of one mix, bpb",
            "signal_to_noise": "spread ÷ noise",
            "clear": "whether the task varies enough; an unclear one is left out of its family's mean",
            "law": "law that predicts it",
            "rank_correlation": "Spearman between predictions and scores of held-out mixes",
            "error": "root mean squared error on held-out mixes, bpb",
        },
        """with of_tasks as (select distinct task, family from scores where kind = 'task'),
             unclear as (select unnest(from_json(names, '["VARCHAR"]')) as task
                         from cautions join latest_recommendation using (recommendation)
                         where kind = 'unclear_tasks')
           select l.task, t.family, l.spread, l.noise, l.spread / nullif(l.noise, 0) as signal_to_noise,
             l.task not in (select task from unclear) as clear, l.law, l.rank_correlation, l.error
           from laws l join latest_recommendation using (recommendation) left join of_tasks t using (task)
           where l.used order by signal_to_noise desc nulls first, l.task""",
    ),
    "swarm_cost": View(
        "What the swarm took to train, by size of proxy and device",
        {
            "size": "size of a proxy, named by non-embedding parameters",
            "device": "cpu or cuda",
            "runs": "number of proxies",
            "diverged": "proxies that diverged twice and have no scores",
            "tokens": "tokens that all of them were trained on",
            "hours": "training time of all of them together, as if one device had trained them in turn",
        },
        """select size, device, count(*) as runs, count(*) filter (status = 'diverged') as diverged,
             sum(tokens)::bigint as tokens, sum(seconds) / 3600 as hours
           from runs group by all order by size, device""",
    ),
}

SWARM_MACROS: dict[str, Macro] = {
    "runs_of": Macro(
        "Runs by their score on a task or family, best first; the worst is the last",
        "wanted",
        {
            "rank": "1 is best",
            "run": "id of a trained proxy",
            "mix": "natural, uniform or mix-nnn",
            "seed": "of initial weights and data order",
            "bpb": "score, bits per byte; lower is better",
            "largest": "the mix's three largest weights",
        },
        """with chosen as (select run, avg(bpb) as bpb from scores where kind = 'task' and (task = wanted
               or family = wanted and wanted not in (select task from scores where kind = 'task')) group by run),
             named as (select mix, string_agg(domain || ' ' || round(100 * weight)::int || ' %', ', '
                         order by weight desc, domain) as largest
                       from (from mix_weights qualify row_number() over
                               (partition by mix order by weight desc, domain) <= 3) group by mix)
           select row_number() over (order by c.bpb, r.run) as rank, r.run, r.mix, r.seed, c.bpb, n.largest
           from chosen c join runs r using (run) left join named n using (mix) order by rank""",
    ),
}
