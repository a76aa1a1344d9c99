"""What the output of a Slurm job says of a rank that left no word of its own."""

import re
from pathlib import Path

from pipeline.executor.failure import last_lines

BY_SLURM = "slurmstepd"  # begins Slurm's own lines
OUT_OF_MEMORY = re.compile(r"oom[-_ ]?kill|out[-_ ]of[-_ ]memory", re.IGNORECASE)
BY_SIGNAL = re.compile(r"\b(Killed|Segmentation fault|Bus error|Aborted|Terminated)\b")  # as bash says it


def how_it_ended(output: Path, began: bool) -> tuple[str, bool]:
    """Why a job ended before its rank could say so, and whether that can pass.

    began: whether the rank had begun to log.
    """
    lines = last_lines(output)
    by_slurm = [line for line in lines if BY_SLURM in line]
    memory = [line for line in lines if OUT_OF_MEMORY.search(line)]
    if memory:
        return f"its memory was full ({memory[-1]}); executor.mem_per_cpu_gb sets how much it has", True
    if any("DUE TO TIME LIMIT" in line for line in by_slurm):
        return f"its time was up ({by_slurm[-1]}); executor.time sets how long it may take", False
    if any("CANCELLED" in line and "DUE TO" not in line for line in by_slurm):
        return f"it was cancelled ({by_slurm[-1]})", False
    if by_slurm:  # preempted, or its node failed
        return by_slurm[-1], True
    if killed := [line for line in lines if BY_SIGNAL.search(line)]:
        return killed[-1], True
    if not lines:
        return "its job left no output, so it never began", True
    if not began:
        return (
            f"its job could not begin it ({lines[-1]}); executor.env_command sets how a job finds this package",
            False,
        )
    return lines[-1], True
