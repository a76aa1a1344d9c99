"""The filter chain: each rule by a text that breaks it alone, thresholds, block lists, masks, what is cut."""

import pytest
from datatrove.data import Document

from pipeline.errors import PipelineError
from pipeline.filters.by_rule import ByRule
from pipeline.filters.c4 import C4Settings, c4_lines
from pipeline.filters.fineweb import FineWebSettings, fineweb_rule
from pipeline.filters.heuristics import HeuristicSettings, broken_rule
from pipeline.filters.language import LanguageSettings
from pipeline.filters.madlad import MadladSettings, madlad_rule
from pipeline.filters.modifiers import ModifierSettings, without_filler
from pipeline.filters.pii import masked
from pipeline.filters.repetition import RepetitionSettings, repetition_rule
from pipeline.filters.statistics import Statistics, statistics
from pipeline.filters.urls import BlockList, UrlSettings, compile_list, hosts_of

PROSE = (
    "The river rose for three days and the people of the valley watched it with patience. They had seen the water "
    "come and go before, and they knew that it would leave good soil behind when it went. On the fourth day the "
    "rain stopped. By evening the children were out on the banks again, counting the planks that floated by and "
    "arguing about whose barn they had been. Nobody had been hurt! Would the bridge hold? "
)
ENGLISH = frozenset(LanguageSettings(model="m").stop_words)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        ("Too short to say.", "too few characters"),
        ("Incomprehensibilities notwithstanding, " * 6, "too few words"),
        ("a b c d e " * 40, "word length"),
        ("lorem ipsum dolor sit amet " * 30, "stop words"),
        (PROSE + "# " * 60, "hash signs"),
        (PROSE + "and so ... " * 20, "ellipses"),
        ("\n".join(f"- {line}" for line in PROSE.split(". ")), "bullet lines"),
        ("\n".join(f"{line}..." for line in PROSE.split(". ")), "ellipsis lines"),
        (PROSE + "12345 67890 " * 30, "alphabetic words"),
    ],
)
def test_heuristics(text, rule):
    assert broken_rule(Statistics(text), HeuristicSettings(), ENGLISH) == rule


def test_stop_words_are_of_the_language():
    french = frozenset({"le", "la", "de", "et", "que"})
    text = "Le fleuve monta pendant trois jours et les gens de la vallée le regardaient avec patience. " * 5
    assert broken_rule(Statistics(text), HeuristicSettings(), ENGLISH) == "stop words"
    assert broken_rule(Statistics(text), HeuristicSettings(), french) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        ("\n\n".join([PROSE[:90], PROSE[90:180]] * 3), "repeated paragraphs"),
        (PROSE + "\nBuy it now" * 20, "repeated lines"),
        (f"{PROSE[:120]}\n" * 2 + PROSE[120:].replace(". ", ".\n"), "characters of repeated lines"),
        (PROSE + "red apples " * 60, "top 2-gram"),
        (PROSE[:250] + PROSE[20:150] + PROSE[250:], "repeated 5-grams"),
    ],
)
def test_repetition(text, rule):
    assert repetition_rule(Statistics(text), RepetitionSettings()) == rule


def test_repeated_ngrams_are_walked_as_published():
    """Against the plain reading of the rule: no n-gram that overlaps a counted one counts again."""
    tokens = ["a", "b", "a", "b", "a", "b", "c", "a", "b", "a", "b", "d"]
    text = Statistics(" ".join(tokens))
    for n in (2, 3, 4):
        seen, place, characters = set(), 0, 0
        while place <= len(tokens) - n:
            gram = tuple(tokens[place : place + n])
            characters, place = (characters + n, place + n) if gram in seen else (characters, place + 1)
            seen.add(gram)
        shares = {n: (characters - 0.5) / len(text.text)}
        assert characters
        only = RepetitionSettings(max_top_ngrams={}, max_repeated_ngrams=shares)
        assert repetition_rule(text, only) == f"repeated {n}-grams"
        shares = {n: (characters + 0.5) / len(text.text)}
        assert repetition_rule(text, only.model_copy(update={"max_repeated_ngrams": shares})) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PROSE.replace(". ", ".\n"), 6),
        (PROSE.replace(". ", ".\n") + "\nNo sentence here", 6),
        (PROSE.replace(". ", ".\n") + "\nPlease enable javascript to go on.", 6),
        (PROSE.replace(". ", ".\n") + "\nThis site uses cookies to follow you.", 6),
        ("One. Two is not enough. Three words here.", "too few sentences"),
        (PROSE + "\nLorem ipsum dolor sit.", "lorem ipsum"),
        (PROSE + "\nif (a) { return the end.", "curly bracket"),
    ],
)
def test_c4(text, found):
    kept = c4_lines(text, C4Settings())
    if isinstance(found, str):
        assert kept == found
    else:
        assert len(kept) == len([line for line in text.splitlines() if line.strip()][:5]), kept


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        (PROSE.replace(".", "").replace("?", "").replace("!", ""), "lines without an end"),
        ("\n".join(PROSE.split()[i] + " it is." for i in range(60)), "short lines"),
        ("\n".join([PROSE.strip()] * 2), "characters of repeated lines"),
    ],
)
def test_fineweb(text, rule):
    assert fineweb_rule(Statistics(text.strip()), FineWebSettings()) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        (PROSE[:200], "too few sentences"),
        (PROSE + "Home About Contact Shop Terms Help Jobs News Press Blog Store Team Login. " * 3, "lists"),
        (PROSE + "You can download the mp3. " * 3, "marked substrings"),
    ],
)
def test_madlad(text, rule):
    assert madlad_rule(Statistics(text), MadladSettings()) == rule


def test_modifiers_cut_filler_and_nothing_else():
    filler = ["1,024 likes", "BUY NOW OR NEVER", "12/3/2020", "ok", "3 items in cart", "Read more…"]
    kept = ["The first line of a text.", "A line that says: read more about it below, please, dear reader, now."]
    text = f"{kept[0]}\n\n\n\n" + "\n".join(filler) + f"\n{kept[1]}"
    assert without_filler(text, ModifierSettings()) == f"{kept[0]}\n\n{kept[1]}"
    assert without_filler(PROSE, ModifierSettings()) == PROSE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.co.uk.", "write to |||EMAIL_ADDRESS|||."),
        ("from 8.8.8.8, not 192.168.0.1 or 999.1.1.1", "from |||IP_ADDRESS|||, not 192.168.0.1 or 999.1.1.1"),
        ("call (202) 265-4540 or +44 20 7424 1960", "call |||PHONE_NUMBER||| or |||PHONE_NUMBER|||"),
        ("version 1.2.3.4.5, pages 100-200, 2020-11-22, ISBN 978-3-16-148410-0", None),
    ],
)
def test_masks(text, expected):
    assert masked(text)[0] == (expected or text)


def test_hosts_above():
    assert hosts_of("https://www.shop.example.com:80/a?b") == [
        "www.shop.example.com",
        "shop.example.com",
        "example.com",
    ]
    assert hosts_of("http://localhost/a") == ["localhost"]
    assert hosts_of("http://[bad") == []


def test_block_lists(tmp_path):
    (tmp_path / "mine.txt").write_text("# mine\nexample.com\nhttps://other.org/page\n")
    compile_list(UrlSettings(builtin=False), [tmp_path / "mine.txt"], tmp_path / "list")
    blocked = BlockList(tmp_path / "list")
    for url, reason in {
        "https://www.example.com/a": "host",
        "https://notexample.com/a": None,
        "https://other.org/page": "url",
        "https://other.org/": None,
    }.items():
        assert blocked.reason(url, 2) == reason, url
    (tmp_path / "mine.txt").write_bytes(b"ok.com\n\x89PNG\x00")
    with pytest.raises(PipelineError, match=r"filters\.urls\.block: mine\.txt line 2 is not text"):
        compile_list(UrlSettings(builtin=False), [tmp_path / "mine.txt"], tmp_path / "list")


def test_statistics_follow_the_text_and_a_source_can_switch_a_step_off(tmp_path):
    document = Document(text=PROSE, id="a", metadata={"source": "x", "off": frozenset()})
    first = statistics(document)
    assert statistics(document) is first
    document.text = "short"
    assert statistics(document).text == "short"
    step = ByRule("heuristics", lambda text: broken_rule(text, HeuristicSettings(), ENGLISH), tmp_path)
    assert list(step.run(iter([document]))) == []
    document.metadata["off"] = frozenset({"heuristics"})
    assert list(step.run(iter([document]))) == [document]
