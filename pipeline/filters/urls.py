"""URL block list: hosts, URLs and words in URLs that pages are not taken from.

The built-in list is the one that datatrove ships (hosts and URLs of UT1 Toulouse, words after RefinedWeb), the same
that FineWeb and OLMo 3 use. It holds 4.6 million hosts, so it is compiled once into sorted 64-bit hashes that ranks
map into memory: 37 MB that all of them share, where a set of strings would be each rank's own.
"""

import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import xxhash
from datatrove.data import Document

from pipeline.filters.lists import ARCHIVE, WORDS, read_list
from pipeline.filters.settings import UrlSettings
from pipeline.store.funnel import FilterStep
from pipeline.store.writing import write_aside

SEPARATORS = re.compile(r"[^a-z0-9]+")


def compile_list(settings: UrlSettings, files: list[Path], folder: Path) -> None:
    """Write `hosts.npy` and `urls.npy` (sorted hashes) and `words.json` into `folder`."""
    own = [line for file in files for line in read_list(file, "filters.urls.block")]
    folder.mkdir(parents=True, exist_ok=True)
    for name, member, is_mine in (("hosts", "domains", _is_host), ("urls", "urls", _is_url)):
        hashes = np.fromiter(map(hash_text, filter(is_mine, own)), np.uint64)
        if settings.builtin:
            hashes = np.concatenate([hashes, _builtin(member)])
        np.save(folder / f"{name}.npy", np.unique(hashes))
    words = {kind: _words(path) if settings.builtin else [] for kind, path in WORDS.items()}
    write_aside(folder / "words.json", json.dumps(words).encode())


def _is_url(line: str) -> bool:
    return "/" in line


def _is_host(line: str) -> bool:
    return "/" not in line


def _builtin(member: str) -> np.ndarray:
    with tarfile.open(ARCHIVE) as archive:
        lines = archive.extractfile(member)
        assert lines is not None
        hashes = (xxhash.xxh3_64_intdigest(line.strip().lower()) for line in lines if not line.startswith(b"#"))
        return np.fromiter(hashes, np.uint64)


def _words(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted({SEPARATORS.sub("", line.lower()) for line in lines if line and not line.startswith("#")} - {""})


def hash_text(text: str) -> int:
    """64 bits; two of five million hosts share one with a probability of 10⁻⁶."""
    return xxhash.xxh3_64_intdigest(text.lower().encode())


def hosts_of(url: str) -> list[str]:
    """A URL's host and the hosts above it: a.b.org → a.b.org, b.org; empty where there is none."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return []
    parts = host.split(".")
    return [".".join(parts[start:]) for start in range(max(1, len(parts) - 1))] if host else []


class BlockList:
    """A compiled list."""

    def __init__(self, folder: Path) -> None:
        self.hosts, self.urls = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("hosts", "urls"))
        words = json.loads((folder / "words.json").read_bytes())
        self.hard, self.soft = frozenset(words["banned_words"]), frozenset(words["soft_banned_words"])
        self.parts: list[str] = words["banned_subwords"]

    def reason(self, url: str, soft_words: int) -> str | None:
        """Why a URL is blocked, or None."""
        if _among(self.hosts, map(hash_text, hosts_of(url))):
            return "host"
        if _among(self.urls, [hash_text(url), hash_text(url.partition("://")[2])]):
            return "url"
        lower = url.lower()
        words = set(SEPARATORS.split(lower))
        if words & self.hard:
            return "word"
        if len(words & self.soft) >= soft_words:
            return "soft words"
        together = SEPARATORS.sub("", lower)
        return "part of a word" if any(part in together for part in self.parts) else None


def _among(sorted_hashes: np.ndarray, wanted: Iterable[int]) -> bool:
    asked = np.fromiter(wanted, np.uint64)
    places = np.searchsorted(sorted_hashes, asked)
    inside = places < len(sorted_hashes)
    return bool((sorted_hashes[places[inside]] == asked[inside]).any())


class BlockUrls(FilterStep):
    """Drops pages by their URL, before anything is spent on them; documents without one stay."""

    name = "urls"

    def __init__(self, compiled: Path, settings: UrlSettings, folder: Path) -> None:
        super().__init__(folder)
        self.compiled, self.settings = compiled, settings
        self._list: BlockList | None = None

    def judge(self, document: Document) -> str | None:
        """The kind of entry that blocks the URL, or None."""
        self._list = self._list or BlockList(self.compiled)
        url = document.metadata["url"]
        return self._list.reason(url, self.settings.soft_words) if url else None

    def __getstate__(self) -> dict:
        """Without the mapped list, which every process opens for itself."""
        return {**self.__dict__, "_list": None}
