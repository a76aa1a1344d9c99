"""Writes catalog.md: questions with their answers on the sample, and every table, view and macro with its comments.

The schema is the code's. Answers are kept in catalog_answers.json. After a run of the sample,
`python docs/catalog_page.py build/work/catalog.duckdb` asks again and keeps the new answers; `make docs` then writes
the page.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from catalog_questions import QUESTIONS, SAMPLE

from flows.catalog.schema import ABOUT_THE_CATALOG, MACROS, META, OVER_FILES, TABLES, VERSION, VIEWS, Columns

ANSWERS = Path(__file__).parent / "catalog_answers.json"
HEAD = f"""# Catalog
Everything that a work folder holds is in one DuckDB file, `catalog.duckdb`: sources, what filters dropped, domains, \
mixes, runs, scores, laws, recommendations, training sets. This page is made by `make docs`: the schema from the code \
(version {VERSION}), the answers from the sample experiment.

## Ways to open it
- `mixwright sql EXP.yaml "QUERY"` prints a table; `--csv` and `--json` are for programs. It reads and never writes, \
and sees no file outside the work folder. Without a query it lists all tables, views and macros.
- `duckdb -readonly catalog.duckdb`, or with DuckDB's UI `duckdb -readonly -ui catalog.duckdb`. A flow that ends puts \
a new file in place of the old one; open the catalog again to see it.
- In Python: `flows.open_workspace("build/work").sql("QUERY")`, or `duckdb.connect("catalog.duckdb", read_only=True)`.

Tables, and views over them, are in the file itself: copy it to another machine and they work there. `documents`, \
`dropped`, `contaminated` and `refused` read Parquet files in `stages/` of the work folder, since documents may be \
billions. Where the folder was moved or copied, `mixwright sql --catalog PATH` finds them beside the catalog. In plain \
DuckDB, say where it is now: `set variable work_folder = '/new/place';`.

`mixwright catalog EXP.yaml --portable FILE` writes one file for another machine, with a sample of the \
documents inside and no path of this one."""


def catalog_page() -> str:
    """The page."""
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    parts = [HEAD, "## Questions"]
    for question in QUESTIONS:
        query = question.asked(SAMPLE)
        note = f"\n\n{question.note.replace('{domain}', SAMPLE['domain'])}" if question.note else ""
        parts.append(f"### {question.title}\n```sql\n{query}\n```\n```\n{answers[question.title]}\n```{note}")
    parts.append("## Tables")
    parts.append(_section("meta", ABOUT_THE_CATALOG, META))
    for name, table in TABLES.items():
        parts.append(_section(name, f"{table.comment}. One row per {', '.join(table.key)}", table.columns))
    parts.append("## Views over documents")
    parts += [_section(name, view.comment, view.columns) for name, view in OVER_FILES.items()]
    parts.append("## Views")
    parts += [_section(name, view.comment, view.columns) for name, view in VIEWS.items()]
    parts.append("## Macros\nA macro is called as a table: `from why('code')`.")
    parts += [_section(f"{name}({macro.parameters})", macro.comment, macro.columns) for name, macro in MACROS.items()]
    return "\n\n".join(parts) + "\n"


def _section(name: str, comment: str, columns: Columns | Mapping[str, str]) -> str:
    """A heading, the comment and a table of columns."""
    typed = any(isinstance(about, tuple) for about in columns.values())
    lines = ["| column | type | meaning |", "|---|---|---|"] if typed else ["| column | meaning |", "|---|---|"]
    for column, about in columns.items():
        cells = [f"`{column}`", *([about] if isinstance(about, str) else about)]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return f"### `{name}`\n{comment}.\n\n" + "\n".join(lines)


def ask(catalog: Path) -> dict[str, str]:
    """Question → what `mixwright sql` prints."""
    from typer.testing import CliRunner

    from flows.cli import app

    answers = {}
    for question in QUESTIONS:
        done = CliRunner().invoke(app, ["sql", question.asked(SAMPLE), "--catalog", str(catalog)])
        if done.exception:
            raise done.exception
        answers[question.title] = done.output.rstrip()
    return answers


if __name__ == "__main__":
    ANSWERS.write_text(json.dumps(ask(Path(sys.argv[1])), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
