"""The command `new`: an experiment file from folders of text."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.errors import ExperimentError
from flows.outputs import check_writable

if TYPE_CHECKING:
    from flows.new.decide import Decided, Source
    from flows.new.machine import Machine
    from flows.new.proxies import Proxies

OUT = Path("experiment.yaml")
HOURS = 1.0
FAMILIES = ("code", "commonsense", "knowledge", "math", "reading")  # of the default suite


def new(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]DIR…",
            help="Folders, files, quoted patterns or URLs of JSON lines, Parquet, WARC or WET. Each becomes a source, "
            "named NAME, or after its folder. If one folder is given, each of its subfolders becomes a source.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The experiment file to write; never overwritten.")] = OUT,
    hours: Annotated[
        float, typer.Option(min=0.01, max=10_000, help="How long the recommendation may take on this machine.")
    ] = HOURS,
    text: Annotated[str | None, typer.Option(help="Field that holds the text, if it is not detected.")] = None,
) -> None:
    """Write an experiment file for your own text, from a look at a few records of each source.

    It detects formats, fields, sizes and languages, chooses proxies that this machine trains in the stated time, and
    prints what it assumed. Nothing is prepared or trained.
    """
    _check_out(out)
    from functools import partial

    from flows.new.decide import decide, language_model, take_part
    from flows.new.machine import this_machine
    from flows.new.proxies import choose_proxies, part_to_take
    from flows.new.sources import find_sources
    from flows.new.write import experiment_text, write_new
    from flows.show.progress import note

    found = find_sources(paths)
    model, missing = language_model(partial(note, "new"))
    decided = decide(found.sources, text, model)
    machine = this_machine()
    whole_text = sum(source.whole_text for source in decided.sources)
    decided = take_part(decided, part_to_take(whole_text, machine.cores, hours))
    proxies = choose_proxies(decided.domain_text, machine, hours)
    words = [*paths, "--hours", f"{hours:g}", *(["--text", text] if text else [])]
    write_new(out, experiment_text(decided, proxies, words, out, hours, machine.name))
    notes = [*found.notes, *([f"Languages were not told, and filters not tried: {missing}"] if missing else [])]
    _print(decided, proxies, machine, hours, notes, out)


def _check_out(out: Path) -> None:
    """Refuse an output that could not be written, before anything is looked at."""
    if os.path.lexists(out):
        what = "a folder" if out.is_dir() else "there already, and is left as it is"
        raise ExperimentError(f"--out {out}: is {what} — name another file")
    if not out.parent.is_dir():
        raise ExperimentError(f"--out {out}: there is no folder {str(out.parent)!r} — make it, or name another")
    check_writable(out.parent, f"--out {out}")


def _print(
    decided: "Decided", proxies: "Proxies", machine: "Machine", hours: float, notes: list[str], out: Path
) -> None:
    from rich import box
    from rich.table import Table

    from mixes.show.console import plain_console

    table = Table(title="What was seen", box=box.SIMPLE_HEAD, title_justify="left")
    for name, justify in (
        ("source", "left"), ("format", "left"), ("files", "right"), ("documents", "right"), ("text", "right"),
        ("text field", "left"), ("languages", "left"), ("filters", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for source in decided.sources:
        table.add_row(*_row(source))
    console = plain_console()
    console.print(table)
    lines = ["What was assumed:", *(f"- {line}" for line in [*notes, *_assumed(decided, proxies, machine, hours)])]
    lines += [
        "",
        f"Written to {out}. Next:",
        f"  mixwright plan {out}    what it will cost, measured on this machine",
        f"  recommend-mix {out}     the whole way to a recommended mix; it can be stopped, and goes on where it was",
        f"Mixes are judged by the default suite: {', '.join(FAMILIES)}. To say what yours is for, add for example",
        "  --target code=0.7 --target math=0.3",
    ]
    console.print("\n".join(lines), soft_wrap=True)


def _row(source: "Source") -> tuple[str, ...]:
    from flows.new.write import size_of
    from pipeline.look.formats import NAMES

    seen = source.seen
    about = "" if seen.is_whole else "~"
    languages = ", ".join(f"{label} {share:.0%}" for label, share in seen.languages[:3])
    has_fields = seen.format in ("jsonl", "parquet")
    return (
        source.named.name, NAMES[seen.format], f"{seen.files:,}", f"{about}{seen.documents:,}",
        f"{about}{size_of(seen.text_bytes)}", seen.fields.text if has_fields else "", languages or "?",
        "on" if source.filters else "off",
    )  # fmt: skip


def _assumed(decided: "Decided", proxies: "Proxies", machine: "Machine", hours: float) -> list[str]:
    """What was decided without being told, a sentence each."""
    from flows.new.decide import ENGLISH
    from flows.new.write import in_words

    lines = [line for source in decided.sources for line in _assumed_of(source)]
    if any(source.filters for source in decided.sources):
        lines.append(f"The filters keep pages in the language {decided.keep!r}.")
    if any(source.seen.languages and source.seen.languages[0][0] != ENGLISH for source in decided.sources):
        lines.append("The default suite is English, and not all sources are: name a suite of your own in suite.path.")
    if machine.note:
        lines.append(machine.note)
    lines.append(
        f"On {machine.name}, {proxies.proxies} proxies of {proxies.size} parameters train on {proxies.tokens:,} tokens "
        f"each. With the preparation this takes about {in_words(proxies.hours)}; `mixwright plan` measures it."
    )
    if proxies.is_short:
        lines.append("The corpus is so small that proxies learn little: expect wide intervals, or give more text.")
    if proxies.hours > 1.3 * hours:
        lines.append(f"This is more than the {in_words(hours)} asked for: {_why_longer(proxies, hours)}.")
    return lines


def _assumed_of(source: "Source") -> list[str]:
    """The same of one source."""
    name, seen, proposed = source.named.name, source.seen, source.seen.chosen.domain
    lines = [f"{name}: filters {'on' if source.filters else 'off'}, since {source.why}."]
    if not seen.chosen.is_sure:
        lines.append(f"{name}: its text is in field {seen.fields.text!r}, the longest one.")
    if source.sample:
        lines.append(f"{name}: {source.sample:,} of {seen.files:,} files are read, to be done in time.")
    if source.domain:
        values = ", ".join(value for value, _ in source.domain.values[:5])
        lines.append(f"{name}: field {source.domain.path!r} names {len(source.domain.values)} domains: {values} …")
    elif proposed:
        count = len(proposed.values)
        lines.append(
            f"{name}: is one domain; field {proposed.path!r} could make {count}, as a comment in the file says."
        )
    return lines


def _why_longer(proxies: "Proxies", hours: float) -> str:
    if proxies.preparing_hours > 0.6 * hours:
        return "the corpus takes long to prepare, and has too few files to take some of them — split large files"
    return "a smaller swarm would tell too little"
