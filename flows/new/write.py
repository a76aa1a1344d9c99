"""The experiment file that `new` writes: every setting with what was seen, and nothing that is a default."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from flows.errors import ExperimentError
from flows.experiment import WORK, load_experiment
from flows.new.decide import ENGLISH, Decided, Source
from flows.new.proxies import FLATTEN, TOKEN_BYTES, Proxies
from mixes.show.printable import one_line
from pipeline.read.sources import Fields

CONTEXT = 256  # tokens of a proxy's sequence, which every validation split must hold
ENOUGH = 3  # times that many tokens are held out of the smallest domain, where the default share is less
PLAIN = re.compile(r"[A-Za-z][\w./*-]*")  # a text that YAML takes as it stands, if it is no number or word of its own
SHARE, MOST_SHARE = 0.02, 0.3  # of a domain that is held out: by default, and at most


def experiment_text(decided: Decided, proxies: Proxies, words: Sequence[str], out: Path, hours: float, on: str) -> str:
    """The file's content.

    Raises:
        ExperimentError: a path cannot be written relative to the file.
    """
    command = one_line(" ".join(["mixwright new", *words]))
    lines = [
        f"# Made by `{command}`. It runs as it is; change what you like:",
        f"#   mixwright plan {out.name}    what it will cost on this machine, measured",
        f"#   recommend-mix {out.name}     prepares the corpus, trains the proxies and recommends a mix",
        f"name: {_scalar(out.stem)}",
        f"work: {_scalar(f'{WORK}/{out.stem}')}    # folder of all results; what is finished there is not done again",
        "",
        "sources:",
    ]
    for source in decided.sources:
        lines += _source(source, out)
    lines += _sections(decided)
    lines += _proxies(proxies, hours, on)
    lines += [
        "",
        "# suite and language.model have defaults, which are downloaded once (86 MB) into the user's cache.",
        "# A suite of your own: {path: suite.jsonl}, each line with task, family, context and continuation.",
        "# What the mix is for can be written here too, or given to recommend-mix as options:",
        "# recommend: {target: {code: 0.7, math: 0.3}}",
    ]
    return "\n".join(lines) + "\n"


def _proxies(proxies: Proxies, hours: float, on: str) -> list[str]:
    """The sections `proxy` and `swarm`."""
    lines = [
        "",
        f"# Chosen for about {in_words(hours)} on {on}: {proxies.proxies} proxies are trained, in an estimated "
        f"{in_words(proxies.training_hours)}.",
        "# These are plain numbers, so that the same file gives the same result on every machine.",
        "proxy:",
        f"  size: {proxies.size}",
        f"  tokens: {proxies.tokens:_}    # that each proxy trains on",
    ]
    if proxies.device == "cuda":
        lines.append("  device: cuda")
    lines += [
        "swarm:",
        f"  mixes: {proxies.mixes}    # beside natural and uniform; three are trained in three seeds, to measure noise",
    ]
    if proxies.flatten != FLATTEN[0]:
        lines.append(
            f"  flatten: {proxies.flatten:g}    # sizes differ so much that small domains would hardly be tried"
        )
    return lines


def _source(source: Source, out: Path) -> list[str]:
    """One source's lines."""
    seen = source.seen
    languages = ", ".join(f"{label} {share:.0%}" for label, share in seen.languages[:4])
    about = "" if seen.is_whole else "about "
    files = f"{seen.files:,} file{'' if seen.files == 1 else 's'}"
    spoken = f"; languages: {languages}" if languages else ""
    lines = [
        f"  # {about}{seen.documents:,} documents, {size_of(seen.text_bytes)} of text in {files}{spoken}",
        f"  {_scalar(source.named.name)}:",
        f"    path: {_scalar(relative_path(source.named.path, out))}",
        f"    format: {seen.format}",
    ]
    if seen.format in ("jsonl", "parquet"):
        lines += _fields(source)
    if source.sample:
        tokens = round(source.whole_text / TOKEN_BYTES)
        lines += [
            f"    sample: {source.sample:_}    # of {seen.files:,} files, so that the corpus is prepared in time",
            f"    full_tokens: {tokens:_}    # of all files, estimated; epochs are counted against it",
        ]
    lines.append(f"    filters: {str(source.filters).lower()}    # {source.why}")
    if seen.is_code and not source.filters:
        lines.append("    without: [repeats]    # a program with a passage cut out is no program")
    return lines


def _fields(source: Source) -> list[str]:
    """The fields that are not called as they are by default, and the one that could name domains."""
    given = source.seen.fields.model_dump(exclude_defaults=True)
    taken = source.domain
    if taken:
        given["domain"] = taken.path
    named = ", ".join(f"{name}: {_scalar(path)}" for name, path in given.items())
    lines = (
        [f"    fields: {{{named}}}" + ("" if source.seen.chosen.is_sure else "    # the longest text")] if named else []
    )
    proposed = source.seen.chosen.domain
    if proposed and not taken:
        values = ", ".join(one_line(value) for value, _ in proposed.values[:4])
        whole = Fields(**given).model_dump(exclude_defaults=True) | {"domain": proposed.path}
        better = ", ".join(f"{name}: {_scalar(path)}" for name, path in whole.items())
        lines.append(f"    # fields: {{{better}}}    # would make {len(proposed.values)} domains of it: {values} …")
    return lines


def _sections(decided: Decided) -> list[str]:
    """Sections that not every experiment has."""
    lines = []
    if decided.keep != ENGLISH:
        lines += [
            "",
            "language:",
            f"  keep: {decided.keep}    # the commonest language of the pages; others are dropped",
        ]
        if decided.filters.heuristics.min_stop_words == 0:
            lines += [
                "filters:",
                f"  heuristics: {{min_stop_words: 0}}    # the list of stop words is English; name those of "
                f"{decided.keep} in language.stop_words",
            ]
    least = min(decided.domain_text.values())
    share = ENOUGH * CONTEXT * TOKEN_BYTES / least
    if share > SHARE:
        share = min(MOST_SHARE, float(f"{share:.1g}") if share < 0.1 else round(share + 0.05, 1))
        lines += [
            "",
            "pool:",
            f"  validation_share: {share:g}    # enough must be held out of the smallest domain, which has about "
            f"{size_of(least)}",
        ]
    return lines


def relative_path(path: str, out: Path) -> str:
    """A path of the present folder as the experiment file must name it."""
    if "://" in path or path.startswith("/"):
        return path
    return os.path.relpath(os.path.join(os.getcwd(), path), out.resolve().parent)


def _scalar(text: str) -> str:
    """A text as YAML has it, in one line."""
    is_plain = PLAIN.fullmatch(text) and yaml.safe_load(text) == text
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def in_words(hours: float) -> str:
    """A time in minutes or hours."""
    minutes = max(1, round(60 * hours))
    if minutes < 100 and minutes != 60:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return "1 hour" if minutes == 60 else f"{hours:,.3g} hours"


def size_of(size: float) -> str:
    """Bytes in three digits and a unit."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:,.3g} {unit}"
    return f"{size:,.0f} bytes"


def write_new(out: Path, text: str) -> None:
    """Write the file, whole and only where there is none, once it loads as an experiment.

    Raises:
        ExperimentError: there is one already, or it cannot be written.
    """
    aside = out.with_name(f".{out.name}.{os.getpid()}.yaml")
    try:
        aside.write_text(text, encoding="utf-8")
        load_experiment(aside)
        os.link(aside, out)
    except FileExistsError:
        raise ExperimentError(f"-o {out}: is there already, and is left as it is — name another file") from None
    except OSError as error:
        raise ExperimentError(f"-o {out}: cannot be written ({error.strerror}) — name another file") from None
    finally:
        aside.unlink(missing_ok=True)
