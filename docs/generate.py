"""Writes the docs that the code itself says: commands.md, settings.md, catalog.md and the JSON Schemas.

`make docs` writes them; tests/test_docs.py fails where they are out of date.
"""

import json
import os
from pathlib import Path

from catalog_page import catalog_page
from pydantic import TypeAdapter
from settings_page import settings_page
from typer.testing import CliRunner

from flows.cli import app
from flows.plan.at_size import PlanAtSize
from flows.plan.plan import Plan
from mixes.laws.check import CheckedLaw
from mixes.recommendation.from_tables import Origin
from mixes.recommendation.result import Recommendation
from mixes.recommendation.validation import Validation
from pipeline.blend.manifest import Manifest

HERE = Path(__file__).parent
PRINTED = (
    ("check_law", CheckedLaw, "check-law"), ("plan", Plan, "plan"), ("plan_at_size", PlanAtSize, "plan --at"),
    ("validation", Validation, "validate"),
)  # fmt: skip


def generated() -> dict[str, str]:
    """File name → content."""
    os.environ.update(COLUMNS="100", TERM="dumb", NO_COLOR="1")
    runner = CliRunner()
    names = [command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback]
    parts = ["# Commands\nMade by `make docs` from the commands' own help. `mixwright --version` prints the version."]
    for name in names:
        said = runner.invoke(app, [name, "--help"], prog_name="mixwright").output
        parts.append(f"## {name}\n```\n{said.strip()}\n```")
    recommendation = TypeAdapter(Recommendation).json_schema()
    recommendation["title"] = "What `recommend-mix --json` prints"
    origin = TypeAdapter(Origin).json_schema(ref_template="#/$defs/{model}")
    recommendation["$defs"] |= origin.pop("$defs") | {"Origin": origin}
    recommendation["properties"]["swarm"] = {"$ref": "#/$defs/Origin"}
    schemas = {"recommendation": recommendation}
    for name, printed, command in PRINTED:
        schemas[name] = {**TypeAdapter(printed).json_schema(), "title": f"What `mixwright {command} --json` prints"}
    title = "manifest.json of a blend; `mixwright blend --json` prints it without `shards`"
    schemas["manifest"] = {**Manifest.model_json_schema(), "title": title}
    commands = "\n\n".join("\n".join(line.rstrip() for line in part.splitlines()) for part in parts) + "\n"
    files = {
        f"{name}.schema.json": json.dumps(one, indent=1, ensure_ascii=False) + "\n" for name, one in schemas.items()
    }
    return {"commands.md": commands, "settings.md": settings_page(), "catalog.md": catalog_page(), **files}


if __name__ == "__main__":
    for name, content in generated().items():
        (HERE / name).write_text(content, encoding="utf-8")
