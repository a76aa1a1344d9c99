"""How long the explorer takes to answer, in headless Chromium. Needs Debian's package `chromium`.

    .venv/bin/python benchmarks/explorer.py page EXP.yaml     # a slider's move to weights, to intervals; first page
    .venv/bin/python benchmarks/explorer.py page --ratios ratios.csv --metrics metrics.csv --families families.yaml
    .venv/bin/python benchmarks/explorer.py documents EXP.yaml FOLDER    # over 10 million documents, made in FOLDER

`page` takes whatever `mixwright explore` takes. `documents` copies the finished experiment's work folder into FOLDER, a
folder beside which nothing is changed, and there makes the pool's documents many times as many: under new ids, with
texts cut to TEXT characters, in files of the same names. The experiment's own file gets a copy beside it while it runs.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import psutil
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import Page, chromium, opened

from flows.experiment import load_experiment
from flows.recommended import find_recommendation

PORT = 18_900
QUICK, SINGLE = 30, 8  # moves in a row, and moves whose intervals are waited for
PAUSE = 0.1  # seconds between moves in a row
WAIT = 120  # seconds
RECORDS = 10_000_000
TEXT = 300  # characters
QUERIES = ("from funnel_by_stage", "select count(*) from documents", "from documents limit 20",
           "select domain, count(*) as n from documents group by domain order by n desc")  # fmt: skip
SCRIPT = """
window.deep = (sel, root = document) => [...root.querySelectorAll(sel),
  ...[...root.querySelectorAll('*')].filter(one => one.shadowRoot).flatMap(one => deep(sel, one.shadowRoot))];
window.moved = (slider, key, whole) => new Promise(done => {
  let first = null;
  const read = () => [...document.querySelectorAll('.mx-now')].map(one => one.textContent).join();
  const before = read(), start = performance.now(); let weights = null;
  deep('[role=slider]')[slider].dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true}));
  const look = () => {
    const now = performance.now() - start;
    if (weights === null && read() !== before) weights = now;
    if (first === null && weights !== null && !document.querySelector('.mx-weights').textContent.includes('…'))
      first = now;
    const waiting = document.querySelector('.mx-side .mx-note').textContent.includes('…');
    if (weights !== null && (!whole || first !== null && !waiting))
      return done([weights, first, now]);
    return now > 20000 ? done([weights, first, null]) : requestAnimationFrame(look);
  };
  look();
})"""


@contextlib.contextmanager
def explorer(words: list[str]) -> Iterator[tuple[str, Callable[[], float]]]:
    """Starts `mixwright explore`; yields its address, and a function that gives its peak memory so far in GB."""
    command = [sys.executable, "-m", "flows.cli", "explore", *words, "--no-browser", "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    started, line = time.monotonic(), process.stdout.readline()
    if not line:
        sys.exit("explore did not start")
    print(f"{time.monotonic() - started:.1f} s from the command to the address", flush=True)

    def peak() -> float:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1e6

    try:
        yield line.split()[2], peak
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def opening(tab: Page, address: str, sign: str) -> float:
    """Seconds from an address to a page on which a script gives something true."""
    started = time.monotonic()
    tab.open(address)
    while not tab.value(sign):
        if time.monotonic() - started > WAIT:
            sys.exit(f"{address}: nothing in {WAIT} s; the page says {tab.value('document.body.innerText')[:500]!r}")
        time.sleep(0.02)
    return time.monotonic() - started


WEIGHTS = "!!document.querySelector('#root .mx-weights')"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"


def first_pages(tab: Page, address: str) -> list[tuple[str, str]]:
    """The answer is in the first file, so that the first paint shows it; sliders move once marimo's page is there."""
    rows = []
    for which in ("first page, cold browser", "first page again"):
        live = opening(tab, address, WEIGHTS)
        rows.append((which, f"the answer after {tab.value(PAINTED):.2f} s, sliders after {live:.2f} s"))
    return rows


def page(tab: Page, address: str) -> list[tuple[str, str]]:
    """First page, a slider's moves in a row, moves whose intervals are waited for."""
    rows = first_pages(tab, address)
    tab.value(SCRIPT)
    while tab.value("deep('[role=slider]').length") < 3:
        time.sleep(0.1)
    time.sleep(2)  # until nothing else is drawn
    quick = []
    for number in range(QUICK):
        quick.append(tab.value(f"moved(0, '{'ArrowRight' if number % 2 else 'ArrowLeft'}', false)")[0])
        time.sleep(PAUSE)
    rows.append(("slider to weights, moves in a row", _spread(quick, "ms")))
    time.sleep(5)
    single = []
    for _ in range(SINGLE):
        single.append(tab.value("moved(1, 'ArrowRight', true)"))
        time.sleep(0.5)
    weights, first, last = zip(*single, strict=True)
    rows.append(("slider to weights, one move", _spread(weights, "ms")))
    rows.append(("slider to first intervals", _spread([end and end / 1000 for end in first], "s")))
    rows.append(("slider to intervals by all worlds", _spread([end and end / 1000 for end in last], "s")))
    return rows


def _spread(values: Sequence[float | None], unit: str) -> str:
    known = sorted(value for value in values if value is not None)
    if not known:
        return "no weight changed"
    late = known[min(int(0.95 * len(known)), len(known) - 1)]
    digits = 0 if unit == "ms" else 2
    lost = f", {len(values) - len(known)} without a change" if len(known) < len(values) else ""
    return f"median {statistics.median(known):.{digits}f}, p95 {late:.{digits}f} {unit} (n = {len(known)}{lost})"


def documents(tab: Page, address: str, domain: str, bucket: str) -> list[tuple[str, str]]:
    """First page, documents of a domain and of a bucket, queries."""
    rows = first_pages(tab, address)
    listed = "!!document.querySelector('.mx-documents details')"
    of_domain = f"{address}?tab=documents&domain={domain}"
    rows.append(("tab Documents", f"{opening(tab, f'{address}?tab=documents', listed):.2f} s"))
    rows.append((f"documents of {domain}", f"{opening(tab, of_domain, listed):.2f} s"))
    rows.append((f"its bucket {bucket}", f"{opening(tab, f'{of_domain}&bucket={bucket}', listed):.2f} s"))
    for query in QUERIES:
        asked = query.replace("%", "%25").replace(" ", "%20").replace("=", "%3D").replace("*", "%2A")
        seconds = opening(tab, f"{address}?tab=sql&query={asked}", "!!document.querySelector('.mx-wide, .mx-error')")
        rows.append((query, f"{seconds:.2f} s"))
    return rows


def grow(pool: Path, target: Path, records: int) -> int:
    """Document files of a pool, each as many times over as makes `records` in all; returns how many there are."""
    files = sorted(pool.glob("*.parquet"))
    copies = -(-records // sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in files))
    total = 0
    for file in files:
        frame = pl.read_parquet(file).with_columns(pl.col("text").str.head(TEXT))
        numbered = [
            frame.with_columns(id=pl.format("{}{}", pl.col("id").str.head(18), pl.lit(f"{copy:06x}")))
            for copy in range(copies)
        ]
        (target / file.name).unlink(missing_ok=True)  # it may be a link to the experiment's own
        pl.concat(numbered).write_parquet(target / file.name, compression="zstd", row_group_size=1_000)
        total += len(frame) * copies
    note = target.parent / "stage.json"  # which lists its files' sizes, and the digests of small ones
    stage = json.loads(note.read_text())
    for name in stage["files"]:
        if name.startswith(f"{target.name}/"):
            stage["files"][name] = [(target.parent / name).stat().st_size, None]
    note.write_text(json.dumps(stage))
    return total


@contextlib.contextmanager
def grown(experiment: Path, folder: Path, records: int) -> Iterator[tuple[Path, str, str]]:
    """An experiment file whose work folder holds many documents, the domain with most of them, and its best bucket."""
    loaded = load_experiment(experiment)
    pool = find_recommendation(loaded).pool.tokenised.relative_to(loaded.folder) / "pool"
    work = folder / "work"
    if not work.exists():
        shutil.copytree(loaded.folder, work, symlinks=True)
        print(f"{grow(loaded.folder / pool, work / pool, records):,} documents", flush=True)
    size = sum(file.stat().st_size for file in (work / pool).glob("*.parquet"))
    print(f"documents take {size / 1e9:.2f} GB", flush=True)
    import yaml

    content = {**yaml.safe_load(experiment.read_text()), "work": str(work.resolve())}
    import duckdb

    with duckdb.connect(str(loaded.catalog), read_only=True) as catalog:
        row = catalog.execute("select domain, max(bucket) from buckets where documents > 0 group by domain "
                              "order by sum(documents) desc limit 1").fetchone()  # fmt: skip
    assert row
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=experiment.parent) as file:
        file.write(yaml.safe_dump(content))
        file.flush()
        yield Path(file.name), str(row[0]), str(row[1])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("page", "documents"))
    parser.add_argument("--records", type=int, default=RECORDS)
    known, words = parser.parse_known_args()
    path = chromium()
    if path is None:
        sys.exit("there is no Chromium here (Debian's package is called chromium)")
    with contextlib.ExitStack() as stack:
        if known.what == "documents":
            file, domain, bucket = stack.enter_context(grown(Path(words[0]), Path(words[1]), known.records))
            words = [str(file)]
        address, peak = stack.enter_context(explorer(words))
        tab = stack.enter_context(opened(path))
        tab.look(1400)
        rows = page(tab, address) if known.what == "page" else documents(tab, address, domain, bucket)
        rows.append(("peak memory of the explorer", f"{peak():.2f} GB"))
    table = Table("what", "took")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
    print(f"load average {os.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")


if __name__ == "__main__":
    main()
