"""What serves the explorer: its guard, its port, and the page that begins with the answer."""

import asyncio
import socket

import pytest

from flows.explorer.first_view import with_first_view
from flows.explorer.guard import guarded
from flows.explorer.serve import free_socket


@pytest.mark.parametrize(
    ("kind", "headers", "is_answered"),
    [("http", {"host": "127.0.0.1:9"}, True), ("http", {"host": "localhost:9", "origin": "http://localhost:9"}, True),
     ("http", {"host": "evil.example:9"}, False), ("http", {}, False),
     ("websocket", {"host": "127.0.0.1:9", "origin": "http://evil.example"}, False),
     ("websocket", {"host": "127.0.0.1:9", "origin": "null"}, False),
     ("websocket", {"host": "127.0.0.1:9", "origin": "http://127.0.0.1:9"}, True)],
)  # fmt: skip
def test_only_its_own_page_is_answered(kind, headers, is_answered):
    asked, sent = [], []

    async def app(scope, receive, send):
        asked.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(guarded(app, 9)(scope, receive, send))
    assert bool(asked) == is_answered
    if is_answered and kind == "http":
        assert "default-src 'self'" in dict(sent[0]["headers"])[b"content-security-policy"].decode()


def test_a_port_in_use_leads_to_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with free_socket(port) as other:
            assert other.getsockname()[0] == "127.0.0.1"
            assert port < other.getsockname()[1] < port + 20


def test_only_the_page_begins_with_the_first_view():
    asked = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"20")]})
        await send({"type": "http.response.body", "body": b"<html><body>", "more_body": True})
        await send({"type": "http.response.body", "body": b"</body>"})

    async def get(path: str, query: bytes = b"") -> tuple[dict, bytes]:
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": query}
        await with_first_view(app, lambda params: asked.append(params) or "<b>µ</b>")(scope, None, send)
        return sent[0], b"".join(part["body"] for part in sent[1:])

    start, page = asyncio.run(get("/", b"tab=mix&query=a%20b"))
    assert page == "<html><body><b>µ</b></body>".encode()
    assert start["headers"] == [(b"content-length", str(len(page)).encode())]
    assert asked == [{"tab": "mix", "query": "a b"}]
    assert asyncio.run(get("/assets/index.js"))[1] == b"<html><body></body>"
