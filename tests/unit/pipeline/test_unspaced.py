"""Languages without blanks between words: the defaults keep good prose and drop what is bad; English is as ever."""

import random
import unicodedata
from itertools import chain

import pytest
from datatrove.data import Document

from pipeline.filters.c4 import c4_lines
from pipeline.filters.heuristics import broken_rule
from pipeline.filters.madlad import madlad_rule
from pipeline.filters.modifiers import Modifiers
from pipeline.filters.repetition import repetition_rule
from pipeline.filters.settings import (
    C4Settings,
    HeuristicSettings,
    LanguageSettings,
    MadladSettings,
    ModifierSettings,
    RepetitionSettings,
)
from pipeline.filters.statistics import Statistics, tokens_by_text, tokens_of
from pipeline.unspaced import BLOCKS, LANGUAGES, cut_words, runs, unspaced_language

STOP_WORDS = frozenset(LanguageSettings(model="lid.176.ftz").stop_words)
TEXTS = {  # the Universal Declaration of Human Rights, articles 1 to 3 and more, and the constitution of Japan
    "zh": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。\n"
    "人人有资格享有本宣言所载的一切权利和自由，不分种族、肤色、性别、语言、宗教、政治或其他见解、国籍或社会出身、财产、出生或其他身分等任何区别。"
    "并且不得因一人所属的国家或领土的政治的、行政的或者国际的地位之不同而有所区别。\n"
    "人人有权享有生命、自由和人身安全。任何人不得使为奴隶或奴役；一切形式的奴隶制度和奴隶买卖，均应予以禁止。",
    "ja": "日本国民は、正当に選挙された国会における代表者を通じて行動し、われらとわれらの子孫のために、"
    "諸国民との協和による成果と、"
    "わが国全土にわたつて自由のもたらす恵沢を確保し、政府の行為によつて再び戦争の惨禍が起ることのないやうにすることを決意し、"
    "ここに主権が国民に存することを宣言し、この憲法を確定する。そもそも国政は、国民の厳粛な信託によるものであつて、その権威は国民に由来し、"
    "その権力は国民の代表者がこれを行使し、その福利は国民がこれを享受する。これは人類普遍の原理であり、この憲法は、かかる原理に基くものである。"
    "われらは、これに反する一切の憲法、法令及び詔勅を排除する。日本国民は、恒久の平和を念願し、人間相互の関係を支配する崇高な理想を深く自覚するのである。",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม "
    "และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ ทุกคนย่อมมีสิทธิและอิสรภาพทั้งปวงตามที่กำหนดไว้ในปฏิญญานี้ "
    "โดยปราศจากความแตกต่างไม่ว่าชนิดใด ๆ ดังเช่น เชื้อชาติ ผิว เพศ ภาษา ศาสนา ความคิดเห็นทางการเมืองหรือทางอื่น "
    "เผ่าพันธุ์แห่งชาติ หรือสังคม ทรัพย์สิน กำเนิด หรือสถานะอื่น ๆ คนทุกคนมีสิทธิในการดำรงชีวิต เสรีภาพ และความมั่นคงแห่งตัวตน",
}


def verdict(text: str, label: str) -> str | None:
    """The rule that the default chain drops a text for."""
    language = unspaced_language(label)
    statistics = Statistics(text, language)
    return (
        broken_rule(statistics, HeuristicSettings(), STOP_WORDS)
        or repetition_rule(statistics, RepetitionSettings())
        or madlad_rule(statistics, MadladSettings())
    )


@pytest.mark.parametrize("label", TEXTS)
def test_good_prose_is_kept_whole(label, tmp_path):
    assert verdict(TEXTS[label], label) is None
    document = Document(text=TEXTS[label], id="x", metadata={"source": "web"})
    assert Modifiers(ModifierSettings(), tmp_path, unspaced_language(label)).judge(document) is None
    assert document.text == TEXTS[label]
    assert verdict(TEXTS[label], "en") in ("too few words", "word length", "stop words")


@pytest.mark.parametrize("label", TEXTS)
def test_repeated_text_stubs_and_lists_are_dropped(label):
    whole = TEXTS[label]
    assert verdict(whole[:40] * 40, label) is not None
    assert verdict("\n".join([whole[:30]] * 30), label) is not None
    assert verdict(whole[:70], label) == "too few characters"
    assert verdict("\n".join(f"{number} 12,{number}45" for number in range(90)), label) == "stop words"


def test_words_are_as_many_as_in_english():
    english = 101  # of the three articles
    assert len(Statistics(TEXTS["zh"], unspaced_language("zh")).words) == pytest.approx(english * 1.25, rel=0.25)


def test_equal_passages_are_cut_alike_and_letters_keep_their_marks():
    passage = "แห่งชาติหรือสังคมทรัพย์สินกำเนิดหรือสถานะ"
    alone = cut_words(passage, 4.06).split()
    inside = cut_words("การศึกษา" + passage, 4.06).split()
    assert "".join(alone) == passage
    assert inside[-len(alone) + 1 :] == alone[1:]
    assert not any(word[0] in "ิืุ้์ั" for word in alone)


def cut_one_by_one(run: str, units: float) -> list[str]:
    """The rule as it is stated: a cut before a letter where a hash of it and of the letter before it is low."""
    words, left = [run[0]], ord(run[0])
    for character in run[1:]:
        right = ord(character)
        if unicodedata.category(character)[0] == "M":
            words[-1] += character
            continue
        mixed = (left * 0x9E3779B1 ^ right * 0x85EBCA6B) & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
        if mixed ^ mixed >> 12 < int((1 << 32) / units):
            words.append("")
        words[-1] += character
        left = right
    return words


def random_text(seed: int) -> str:
    """Letters and marks of all these scripts, and what stands between them."""
    chance = random.Random(seed)
    characters = [chance.randint(*chance.choice(BLOCKS)) for _ in range(600)]
    between = list(" \n，。a1é'.々〇\u0301\ud800🙂")
    return "".join(chance.choice([*map(chr, chance.sample(characters, 9)), chance.choice(between)]) for _ in characters)


@pytest.mark.parametrize("label", ["zh", "ja", "th", "lo", "km", "my"])
def test_all_runs_of_a_text_are_cut_as_each_alone(label):
    units = LANGUAGES[label].units
    for text in (*TEXTS.values(), *map(random_text, range(30)), "", "\n", "ิ", "人"):
        alone = [cut_one_by_one(run, units) for run in runs().findall(text)]
        assert cut_words(" ".join(runs().findall(text)), units).split() == [*chain(*alone)]
        assert cut_words(text, units).replace(" ", "") == text.replace(" ", "")
        lines = text.split("\n")
        assert [*chain(*tokens_by_text(lines, LANGUAGES[label]))] == tokens_of(text, LANGUAGES[label])


def test_full_width_marks_end_sentences():
    text = "你是谁？我是人！这是「书。」那是纸。"
    assert len(Statistics(text, unspaced_language("zh")).sentences) == 4
    settings = C4Settings(enabled=True, min_sentences=4)
    assert c4_lines(text, settings, unspaced_language("zh")) == [text]
    assert c4_lines(text, settings) == "too few sentences"


def test_mixed_scripts_are_cut_apart():
    tokens = Statistics("我用iPhone手机，v2.0版。", unspaced_language("zh")).tokens
    assert "iPhone" in tokens
    assert "v2.0" in tokens
    assert "".join(tokens) == "我用iPhone手机，v2.0版。"


@pytest.mark.parametrize(
    ("label", "unspaced"), [("zh-TW", True), ("jpn_Jpan", True), ("en", False), ("ko", False), ("zha", False)]
)
def test_labels(label, unspaced):
    assert (unspaced_language(label) is not None) == unspaced
