"""The README's queries are understood by a finished catalog."""

import re
import sys

from support import ROOT

sys.path.insert(0, str(ROOT / "docs"))


def test_queries_of_the_readme_are_understood(tiny, finished):
    import duckdb

    readme = (ROOT / "README.md").read_text()
    queries = re.findall(r'^mixwright sql \S+ "(.+)"$', readme, re.MULTILINE)
    assert len(queries) >= 3
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        for query in queries:
            assert catalog.sql(query).fetchall(), query
