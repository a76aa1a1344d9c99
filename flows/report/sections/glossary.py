"""The words of the page, each with a sentence."""

from flows.report.findings import Findings
from flows.report.html import folded, table
from mixes.target import OVERALL

WORDS = {
    "proxy": "a small model, trained on one mix and scored",
    "swarm": "all proxies together",
    "law": "a formula from a mix's shares to a task's score, fitted to the proxies' scores",
    "natural": "the mix that the pool has by itself: every domain by its tokens",
    "uniform": "the mix that gives every domain the same share",
    "UniMax": "as even as the limit on repeats allows: small domains are used up to it, the others share the rest",
    "natural^0.5": "natural's shares to that power, made to sum to one: between natural and uniform",
    "target": "what the mix is made for: a weighted mean of the families' scores",
    "interval": "it holds the truth in as many cases as it says, if the laws have the right form",
    "noise": "by how much two proxies differ that were trained on equally good mixes: a standard deviation",
    "not distinguishable": "the interval of the gain includes zero",
    "better by less than noise": "the interval leaves out zero, but one proxy of each mix would not show it",
    "cap": "the largest share that a limit allows, such as a limit on how often a domain may repeat",
    "epoch": "one pass through all tokens of a domain",
}
BPB = "bits per byte of the text that a task scores; 0.1 less makes each byte of it 7% more likely"


def glossary(findings: Findings) -> str:
    """A folded table."""
    words = {
        **WORDS,
        "gain": f"by how much a mix scores better than {findings.reference}; above zero is better",
        **({"bpb": BPB} if findings.unit(OVERALL) == "bpb" else {}),
    }
    return folded("The words of this page", table([["word", "means"], *words.items()], words=2))
