"""Peak memory of a command: the sum of PSS over its whole process tree, sampled; and how long it took.

    python benchmarks/peak_memory.py make recommend

PSS counts a page that n processes share as 1/n in each, so the sum is what the tree really holds. Linux only.
"""

import subprocess
import sys
import time

import psutil

EVERY = 0.5  # seconds between samples


def tree_pss(root: psutil.Process) -> int:
    """Bytes held by a process and all below it; processes that end meanwhile count as 0."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return total


def main() -> None:
    """Run the command that the arguments are, then print two numbers."""
    started = time.monotonic()
    child = subprocess.Popen(sys.argv[1:])
    root, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            peak = max(peak, tree_pss(root))
        except psutil.NoSuchProcess:
            break
        time.sleep(EVERY)
    print(
        f"\npeak PSS of the process tree {peak / 1e9:.2f} GB, {time.monotonic() - started:.0f} s, exit {child.wait()}"
    )
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
