"""The filter chain of flow 1, cheapest filters first; those that are off are left out."""

from functools import partial
from pathlib import Path

from pipeline.filters.by_rule import ByRule
from pipeline.filters.c4 import C4
from pipeline.filters.fineweb import fineweb_rule
from pipeline.filters.heuristics import broken_rule
from pipeline.filters.language import KeepLanguage
from pipeline.filters.madlad import madlad_rule
from pipeline.filters.modifiers import Modifiers
from pipeline.filters.pii import Pii
from pipeline.filters.repetition import repetition_rule
from pipeline.filters.settings import FilterSettings, LanguageSettings
from pipeline.filters.urls import BlockUrls
from pipeline.read.characters import CleanCharacters
from pipeline.read.extract import ExtractText
from pipeline.store.funnel import FilterStep
from pipeline.unspaced import unspaced_language


def filter_chain(
    settings: FilterSettings,
    language: LanguageSettings,
    model: Path,
    block_list: Path,
    extract: ExtractText,
    folder: Path,
) -> list[FilterStep]:
    """Steps from pages to kept text; `block_list` is a compiled one, `model` the language model."""
    shape, stop_words = settings.heuristics, frozenset(language.stop_words)
    unspaced = unspaced_language(language.keep)
    repetition, fineweb, madlad = settings.repetition, settings.fineweb, settings.madlad
    chain: list[tuple[bool, FilterStep]] = [
        (settings.urls.enabled, BlockUrls(block_list, settings.urls, folder)),
        (True, extract),
        (True, CleanCharacters(folder)),
        (
            shape.enabled,
            ByRule("heuristics", partial(broken_rule, settings=shape, stop_words=stop_words), folder, unspaced),
        ),
        (repetition.enabled, ByRule("repetition", partial(repetition_rule, settings=repetition), folder, unspaced)),
        (settings.c4.enabled, C4(settings.c4, folder, unspaced)),
        (fineweb.enabled, ByRule("fineweb", partial(fineweb_rule, settings=fineweb), folder, unspaced)),
        (True, KeepLanguage(model, language, folder)),
        (madlad.enabled, ByRule("madlad", partial(madlad_rule, settings=madlad), folder, unspaced)),
        (settings.modifiers.enabled, Modifiers(settings.modifiers, folder, unspaced)),
        (settings.pii.enabled, Pii(settings.pii, folder)),
    ]
    return [step for enabled, step in chain if enabled]
