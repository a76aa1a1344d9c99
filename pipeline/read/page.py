"""HTML to text, and a process that does nothing else.

Extraction runs in native code that no Python timer interrupts: a page of 100 kB of nested tags takes 10 seconds,
one of 8 MB of short paragraphs more than a gigabyte (measured). So pages are extracted by a child process that
limits itself: processor time by an interval timer, memory by a resource limit. All of them are, since counting tags
to tell the dangerous ones takes longer than handing them over (a tenth of the extraction's time, measured).

A request is a line of JSON {bytes, charset, extractor, seconds} and the page; the answer a line with the number of
bytes of the text, and the text.
"""

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys

from pipeline.read.charset import page_utf8
from pipeline.read.main_text import EXTRACTORS

MAX_MEMORY = 1 << 30  # bytes that the process may map: 6 MB of nothing but short paragraphs fit (measured)
WAIT = 6  # times the processor time that a page may take by the clock, on a machine with too much to do (assumed)
MAX_YOUNG = 1 << 18  # objects before Python looks for circles: a page makes many and hardly a circle (assumed)
PR_SET_PDEATHSIG = 1


def page_text(page: bytes, charset: str = "", extractor: str = "blocks") -> str:
    """Main content of an HTML page; `charset` is what its HTTP header declares."""
    return EXTRACTORS[extractor](page_utf8(page, charset)).strip()


def serve() -> None:
    """Answer requests until there are no more, or the process that makes them has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it may be busy with a page
    with contextlib.suppress(ValueError, OSError):  # not every system has the limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    for ends in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(ends, signal.SIG_DFL)  # a parent may have them ignored
    gc.set_threshold(MAX_YOUNG)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    warm = set()
    while line := sys.stdin.buffer.readline():
        wanted = json.loads(line)
        page = sys.stdin.buffer.read(wanted["bytes"])
        if wanted["extractor"] not in warm:
            page_text(b"", extractor=wanted["extractor"])  # imports are none of the page's time
            warm.add(wanted["extractor"])
        signal.setitimer(signal.ITIMER_PROF, wanted["seconds"])  # both end the process where nothing else can
        signal.setitimer(signal.ITIMER_REAL, wanted["seconds"] * WAIT)
        text = page_text(page, wanted["charset"], wanted["extractor"]).encode("utf-8", "replace")
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(b"%d\n%b" % (len(text), text))
        answers.flush()


if __name__ == "__main__":
    serve()
