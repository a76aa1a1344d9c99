"""Which parts of a page are its main text, and how they are written down."""

import pytest

from pipeline.read.blocks.points import table
from pipeline.read.blocks.walk import blocks_of
from pipeline.read.page import page_text

SAID = "The river rose for three days and the people of the valley watched it with patience, hoping it would stop."
PROSE = f"<p>{SAID} {SAID}</p>"
LINKS = "".join(f"<li><a href=/{n}>Section number {n}</a></li>" for n in range(12))


def text(page: str) -> str:
    return page_text(page.encode(), "utf-8")


@pytest.mark.parametrize(
    "furniture",
    [
        f"<nav><ul>{LINKS}</ul></nav>",
        f"<div class='main-menu'><ul>{LINKS}</ul></div>",
        f"<div id=sidebar><h3>Categories</h3><ul>{LINKS}</ul></div>",
        f"<div><ul>{LINKS}</ul></div>",
        "<div class=breadcrumbs><a href=/>Section number one</a> › <a href=/n>News</a> › The flood</div>",
        "<footer><p>© 2020 Section number one. All rights reserved.</p></footer>",
        "<div class='cookie-banner'><p>We use cookies to improve Section number one. You accept them.</p></div>",
        f"<div class=related-posts><h3>Related articles</h3><ul>{LINKS}</ul></div>",
        "<div class=share><a>Share Section number one on Facebook</a> <a>Tweet</a> <a>Email</a></div>",
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_stands_around_the_text_is_dropped(furniture, before):
    main = f"<main><article>{PROSE * 4}</article></main>"
    found = text(f"<body>{furniture}{main}</body>" if before else f"<body>{main}{furniture}</body>")
    assert found.count(SAID) == 8
    assert "ection number" not in found


def test_lists_headings_tables_and_code_inside_prose_are_kept():
    found = text(
        f"<article>{PROSE}<h2>What to take along on the way</h2>{PROSE}"
        "<ul><li>Bread and water for two days</li><li>A lamp<ul><li>with oil</li></ul></li></ul>"
        f"{PROSE}<ol><li>Go up the hill</li><li>Wait for the boat</li></ol>{PROSE}"
        "<table><tr><th>Year</th><th>Level</th></tr><tr><td>1979</td><td>4.1 m</td></tr></table>"
        f"{PROSE}<pre>def rise(days):\n    return days * 2\n</pre>{PROSE}</article>"
    )
    assert f"{SAID}\n\nWhat to take along on the way\n\n{SAID}" in found
    assert "\n• Bread and water for two days\n• A lamp\n  • with oil\n" in found
    assert "\n1. Go up the hill\n2. Wait for the boat\n" in found
    assert "\nYear\tLevel\n1979\t4.1 m\n" in found
    assert "\ndef rise(days):\n    return days * 2\n" in found


def test_line_breaks():
    found = text(
        f"{PROSE}<p>The first line of it,<br>the second line.<br><br>After two breaks a new paragraph.</p>{PROSE}"
    )
    assert "The first line of it,\nthe second line.\n\nAfter two breaks a new paragraph." in found


def test_a_forum_thread_keeps_every_post():
    post = (
        f"<div class=post><a href=/u>user%d</a><div class=message>{SAID} I am %d.</div><a>Reply</a> <a>Quote</a></div>"
    )
    found = text("<h1>The flood</h1>" + "".join(post % (n, n) for n in range(9)))
    assert all(f"I am {n}." in found for n in range(9))
    assert "Quote" not in found


def test_a_repeated_heading_stands_once():
    heading = "<h2>What the people of the valley did when it rose</h2>"
    assert text(f"<article>{heading}{PROSE}{heading}{PROSE}</article>").count("What the people of the valley did") <= 1


@pytest.mark.parametrize(
    "page", ["", "<html></html>", "<p> </p>", "<p>&nbsp;</p>", f"<body><ul>{LINKS * 9}</ul></body>"]
)
def test_pages_without_text(page):
    assert text(page) == ""


def test_a_page_of_a_few_words_is_kept():
    assert (
        text("<html><body><nav><a href=/>Home</a></nav><main><p>Žluťoučký kůň</p></main></body></html>")
        == "Žluťoučký kůň"
    )


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 10_000 + SAID * 3,
        "<b>" * 20_000 + SAID * 3,
        "<ul><li>" * 5_000 + SAID * 3,
        f"<p>{SAID * 9_000}",
        f"{SAID}<b>" * 3,
    ],
    ids=["deep", "bold", "lists", "one line", "unclosed"],
)
def test_odd_trees(page):
    assert SAID in text(page)


def test_points_are_integers_and_do_not_depend_on_what_was_read_before():
    page = f"<body><div class='sidebar widget'><p>{SAID}</p></div><article class=post-content>{PROSE * 3}</article>"
    first = table().of(blocks_of(page))
    text(f"<div class=post-content>{PROSE}</div>")
    assert first.dtype.kind == "i"
    assert table().of(blocks_of(page)).tolist() == first.tolist()
    assert first[0] < first[1]
