"""What the elements of HTML mean for text."""

# Nobody reads their content as text, or a person operates them.
SKIPPED = (
    "applet", "audio", "button", "canvas", "datalist", "dialog", "embed", "frame", "frameset", "head", "iframe",
    "input", "link", "map", "meta", "meter", "noembed", "noframes", "noscript", "object", "option", "progress",
    "script", "select", "style", "svg", "template", "textarea", "title", "video",
)  # fmt: skip
INLINE = (
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "math", "mfrac", "mi", "mn", "mo", "mover", "mrow", "ms", "msqrt", "msub",
    "msubsup", "msup", "mtext", "munder", "munderover", "nobr", "picture", "q", "rb", "rp", "rt", "ruby", "s",
    "samp", "slot", "small", "source", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
)  # fmt: skip
# What the walk does at a node; at all others a block ends, and what is in them lies in a box.
KIND: dict[str, str] = {
    **dict.fromkeys(SKIPPED, "skip"), **dict.fromkeys(INLINE, "inline"), "a": "a", "br": "br",
    "hr": "end", "nav": "end", "footer": "end",  # a block ends, and what is in them is not looked at
    "-text": "text", "-comment": "skip", "": "skip",  # lexbor's names of what is no element
}  # fmt: skip
KIND_WITH_FURNITURE = {tag: kind for tag, kind in KIND.items() if tag not in ("nav", "footer")}
CONTENT = ("article", "main")  # boxes that are never furniture, whatever their names
SECTIONS = frozenset((
    "address", "article", "aside", "blockquote", "details", "dl", "fieldset", "figure", "footer", "form", "header",
    "main", "nav", "ol", "section", "table", "ul",
))  # fmt: skip
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
APART = HEADINGS | {"blockquote", "p", "pre"}  # set off by an empty line
CELLS = frozenset(("td", "th"))
LISTS = frozenset(("ul", "ol", "menu"))
WHOLE = CELLS | {"pre"}  # no part of it says anything alone

# Boxes that hold no main content: a word in their class, id or role, or a name as a whole (also `menu-…` and `…-menu`).
# Each of them cost at most 0.3 % of the gold text of the pages that the table of points was fitted on, all together
# 0.5 %; they are more than a third of a page's boxes (measured).
FURNITURE_WORDS = frozenset(
    (
        "account", "avatar", "breadcrumb", "breadcrumbs", "burger", "colophon", "commentform", "consent", "cookie",
        "cookies", "copyright", "dropdown", "flyout", "hamburger", "instagram", "login", "masthead", "mega",
        "megamenu", "menus", "navigation", "popup", "recommended", "related", "respond", "rolebanner",
        "rolecomplementary", "rolecontentinfo", "rolemenu", "rolemenubar", "rolemenuitem", "rolenavigation",
        "rolesearch", "signup", "social", "submenu", "subscribe", "switcher", "toolbar", "topbar", "trending",
    )
)  # fmt: skip
FURNITURE_NAMES = frozenset(
    (
        "footer", "global-footer", "global-header", "main-footer", "main-header", "menu", "page-footer",
        "site-footer", "site-header",
    )
)  # fmt: skip
