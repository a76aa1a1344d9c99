"""The Prefect server that flows report to: where it is named, and whether it answers. Prefect is not imported."""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.errors import ExperimentError

VARIABLE = "PREFECT_API_URL"
PATIENCE = 10  # seconds that a server may take to answer; under load one took more than 5


@dataclass(frozen=True)
class Server:
    """The address of a server's API, and the command that makes flows run without it."""

    address: str
    undo: str


def named_server() -> Server | None:
    """The server of PREFECT_API_URL, else that of Prefect's active profile; an empty variable names none."""
    address = os.environ.get(VARIABLE)
    if address is None:
        address, undo = _profile_address(), f"run `prefect config unset {VARIABLE}`"
    else:
        undo = f"unset {VARIABLE}"
    return Server(address.strip(), undo) if address and address.strip() else None


def _profile_address() -> str | None:
    """The address in the active profile; None where the file is absent or damaged."""
    try:
        folder = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
        content = tomllib.loads((folder / "profiles.toml").read_text(encoding="utf-8"))
        profile = os.environ.get("PREFECT_PROFILE") or content["active"]
        address = content["profiles"][profile][VARIABLE]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # RuntimeError: the user has no home
        return None
    return address if isinstance(address, str) else None


@cache
def check_server(server: Server) -> None:
    """Check that the server answers; asked once per process.

    Raises:
        ExperimentError: it cannot be reached, or answers with an error of its own.
    """
    if reason := why_silent(server):
        raise ExperimentError(
            f"Prefect: no server answers at {server.address} ({reason}) — start it, or run without one: {server.undo}"
        )


def why_silent(server: Server, patience: float = PATIENCE) -> str | None:
    """What is wrong with a server, asked now; None where it answers. patience: seconds that it may take."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not server.address.startswith(("http://", "https://")):
        return "it is no address of http:// or https://"
    try:
        request = Request(f"{server.address.rstrip('/')}/health")  # noqa: S310
        with urlopen(request, timeout=patience):  # noqa: S310
            return None
    except HTTPError as error:
        return f"HTTP {error.code}" if error.code >= 500 else None  # it refuses the request, so it is there
    except URLError as error:
        return str(error.reason)
    except (OSError, ValueError, HTTPException) as error:  # a time-out while it answers; no address
        return str(error) or type(error).__name__
