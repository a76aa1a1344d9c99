"""The command `catalog`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import ExperimentFile


def catalog(
    experiment: ExperimentFile,
    portable: Annotated[Path, typer.Option(metavar="FILE", help="DuckDB file to write.")],
    documents: Annotated[
        int, typer.Option(min=1, max=100_000, help="Documents of each domain and quality bucket to include.")
    ] = 20,
    texts: Annotated[
        bool, typer.Option("--texts", help="Include whole texts, not their first 4,000 characters.")
    ] = False,
    no_documents: Annotated[bool, typer.Option("--no-documents", help="Leave the table of documents empty.")] = False,
) -> None:
    """Write a copy of the catalog that opens on another machine with plain `duckdb`.

    It holds every table, a sample of the documents, and no path of this machine.
    """
    from flows.catalog.portable import write_portable
    from flows.experiment import load_experiment
    from flows.gc.table import sized
    from mixes.show.console import plain_console

    done = write_portable(load_experiment(experiment), portable, documents, texts, not no_documents)
    console = plain_console()
    console.print(
        f"Written to {done.file}: {sized(done.bytes)}, {done.documents:,} of {done.documents_of:,} documents. "
        f"Open it with: duckdb -readonly {done.file}",
        soft_wrap=True,
    )
