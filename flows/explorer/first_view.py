"""What the page shows until marimo's own page is loaded: the answer, drawn by the server into the first file.

A browser that has none of marimo's 250 files (6.5 MB) loads them for seconds before it draws anything. The first view
goes as soon as marimo's page shows the same table.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from flows.errors import INPUT_ERRORS
from flows.explorer.draw import optimum
from flows.explorer.explored import Explored
from flows.explorer.guard import App, Receive, Scope, Send
from flows.explorer.session import Session
from flows.explorer.state import Params
from flows.report.html import text

FOLLOWS = "The sliders follow …"
BODY = b"<body>"
STYLE = """
#mx-first { position: fixed; inset: 0; z-index: 100; overflow: auto; background: #fff; padding: 43px 34px; }
#mx-first.dark { background: #181c1a; }
@media (max-width: 700px) { #mx-first { padding: 14px 26px; } }
@media (min-width: 900px) { #mx-first .mx-side { margin: 85px 0 0 362px; } }
"""
SCRIPT = """
(() => {
  const first = document.getElementById("mx-first");
  first.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
  const isThere = () => document.querySelector("#root .mx-weights, #root .mx-error");
  const look = () => isThere() ? first.remove() : setTimeout(look, 50);
  look();
})();
"""


def first_view(opened: Explored, params: Params) -> str:
    """HTML of the optimum that an address asks for; empty where it asks for something else, or cannot be answered."""
    page = Session(opened, params)
    if page.state.tab != "mix":
        return ""
    try:
        now = page.point(opened.asked(page.state))
    except INPUT_ERRORS:
        return ""
    line = FOLLOWS if now.summary else f"{FOLLOWS} So do the intervals."
    title = f'<p class="mx-title">{text(page.findings.name)}</p>'
    drawn = optimum(now, page.findings, page.state, line)
    return f'<div id="mx-first">{title}{drawn}</div><style>{STYLE}</style><script>{SCRIPT}</script>'


def with_first_view(app: App, draw: Callable[[Params], str]) -> App:
    """The app, whose page begins with what `draw` makes of the address's parameters."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        params = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        drawn = await asyncio.to_thread(draw, params)
        messages: list[MutableMapping[str, Any]] = []

        async def keep(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        await app(scope, receive, keep)
        start, *parts = messages
        page = b"".join(part.get("body", b"") for part in parts)
        page = page.replace(BODY, BODY + drawn.encode(), 1)
        others = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        start["headers"] = [*others, (b"content-length", str(len(page)).encode())]
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return call
