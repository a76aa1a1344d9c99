"""No character is lost because it stands alone between two elements, and no markup becomes text."""

import pytest

from pipeline.read.page import page_text

PROSE = "<p>The river rose for three days and the people of the valley watched it with patience, day by day.</p>" * 3
# HTML folds its white space, drops U+0000, and reads < and & as markup; surrogates are no characters of their own.
NOT_TEXT = {*"\0\t\n\f\r <&"}
PLANE = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF and chr(code) not in NOT_TEXT]
BATCH = 1000


def text(body: str, extractor: str = "blocks") -> str:
    """The main text of a page with enough prose around the body."""
    page = f"<!DOCTYPE html><meta charset=utf-8><body><main>{PROSE}{body}{PROSE}</main>"
    return page_text(page.encode(), "utf-8", extractor)


def lost(extractor: str) -> list[str]:
    missing = []
    for start in range(0, len(PLANE), BATCH):
        signs = PLANE[start : start + BATCH]
        rows = (
            f"<p>The river of <i>x{ord(s)}x</i>{s}<b>y{ord(s)}y</b> rose for three days, and so on.</p>" for s in signs
        )
        found = text("".join(rows), extractor)
        missing += [s for s in signs if f"x{ord(s)}x{s}y{ord(s)}y" not in found]
    return missing


def test_every_character_of_the_basic_plane_survives_between_inline_elements():
    assert not lost("blocks")


def test_resiliparse_too_but_for_one_that_it_takes_for_a_blank():
    assert lost("resiliparse") == ["\v"]


@pytest.mark.parametrize("extractor", ["blocks", "resiliparse", "trafilatura"])
@pytest.mark.parametrize(
    ("markup", "right"),
    [
        ("<a>1979</a>–<a>1983</a>", "1979–1983"),
        ("<i>x</i> ≤ <i>y</i>", "x ≤ y"),
        ("<b>ne</b> sais <b>où</b>", "ne sais où"),
        ("<i>x</i>&ndash;<i>y</i>", "x–y"),
        ("<i>x</i>&#8211;<i>y</i>", "x–y"),
        ("<i>x</i>&#x2013<i>y</i>", "x–y"),
        ("<i>x</i>é<i>y</i>", "xéy"),
        ("<i>x</i>aé<i>y</i>", "xaéy"),
        ("<i>x</i>中<i>y</i>", "x中y"),
        ("<i>x</i>中文<i>y</i>", "x中文y"),
        ("<i>x</i>😀<i>y</i>", "x😀y"),
        ("<i>x</i>–<!-- a comment --><i>y</i>", "x–y"),
    ],
)
def test_short_text_between_elements(extractor, markup, right):
    assert right in text(
        f"<p>The people of the valley watched {markup} with patience, hoping for the best.</p>", extractor
    )


@pytest.mark.parametrize("sign", ["–", "≤", "é", "中", "x", "😀", "\ue000"])
def test_a_lone_character_as_a_block_of_its_own(sign):
    for markup in (f"<div>{sign}</div>", f"<p>{sign}</p>", f"<pre>{sign}</pre>"):
        assert f"\n{sign}\n" in text(markup), markup
    assert f"\n• {sign}\n" in text(f"<ul><li>{sign}</li></ul>")
    assert f"a\t{sign}\n" in text(f"<table><tr><td>a</td><td>{sign}</td></tr></table>")


def test_blanks_and_entities():
    body = "<p>a  &amp;\n\tb &lt;c&gt; caf&eacute;&hellip; 5&nbsp;kg, and <i> the </i>people of <b>the val</b>ley.</p>"
    assert "a & b <c> café… 5\xa0kg, and the people of the valley." in text(body)


def test_what_nobody_sees_is_no_text():
    seen = "The people of the valley watched it with patience, and some of them were glad of it."
    hidden = f"<p>{seen.upper()}</p>"
    for markup in (
        "<script>document.write('%s')</script>", "<style>/* %s */</style>", "<!-- %s -->", "<noscript>%s</noscript>",
        "<template>%s</template>", "<div hidden>%s</div>", "<div style='display: none'>%s</div>",
        "<div aria-hidden=true>%s</div>", "<textarea>%s</textarea>", "<button>%s</button>",
    ):  # fmt: skip
        assert seen.upper() not in text(markup % hidden), markup
    assert seen in text(f"<div title='a > b' data-x=\"</div>\">{seen}</div>")
