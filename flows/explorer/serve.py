"""Serves the explorer on loopback until it is stopped."""

import os
import socket
import webbrowser
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from flows.errors import ExperimentError
from flows.explorer.explored import Explored
from flows.explorer.first_view import first_view, with_first_view
from flows.explorer.guard import guarded
from flows.stopping import Stopped

HOST = "127.0.0.1"  # loopback; nothing else is offered
TRIED = 20  # ports, from the one that was asked for
NOTEBOOK = Path(__file__).with_name("notebook.py")
BROWSER_AFTER = 0.5  # seconds, in which the server begins to listen (assumed)

_opened: list[Explored] = []  # what this process serves; the notebook's cells run in threads of it


def explored() -> Explored:
    """What the notebook shows.

    Raises:
        ExperimentError: the notebook was not started by `mixwright explore`.
    """
    if not _opened:
        raise ExperimentError("explorer: start it with `mixwright explore EXP.yaml`")
    return _opened[-1]


def free_socket(port: int) -> socket.socket:
    """A socket on the first free port from `port` on.

    Raises:
        ExperimentError: the next ports are all taken.
    """
    for number in range(port, min(port + TRIED, 65_536)):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere the option lets two programs share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, number))
            listening.listen()
        except OSError:
            listening.close()
            continue
        return listening
    raise ExperimentError(f"--port {port}: it and the next {TRIED - 1} ports are in use — name another")


def serve(opened: Explored, listening: socket.socket, browser: bool) -> None:
    """Answer the browser until Ctrl-C, which ends the process: threads of open pages would keep it. Nothing is lost,
    as the explorer only reads, and what it writes for a trainer is whole or not there."""
    port = listening.getsockname()[1]
    address = f"http://{HOST}:{port}/"
    _opened.append(opened)
    server = _server(opened, port)
    print(f"Explorer at {address} — Ctrl-C ends it.", flush=True)
    if browser:
        timer = Timer(BROWSER_AFTER, webbrowser.open, (address,))
        timer.daemon = True
        timer.start()
    with suppress(KeyboardInterrupt, Stopped):
        server.run(sockets=[listening])
    print("Explorer ended.", flush=True)
    os._exit(0)


def _server(opened: Explored, port: int) -> Any:
    import logging

    import marimo
    import uvicorn

    logging.getLogger("marimo").setLevel(logging.ERROR)
    app = marimo.create_asgi_app(quiet=True, include_code=False).with_app(path="", root=str(NOTEBOOK)).build()
    app = with_first_view(app, partial(first_view, opened))
    config = uvicorn.Config(guarded(app, port), log_level="error", access_log=False, timeout_graceful_shutdown=1)
    return uvicorn.Server(config)
