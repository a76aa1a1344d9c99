"""How the C library hands out memory to processes that train on a CPU. It reads this when a process starts.

A step frees and asks for the same blocks of megabytes again. By default the C library gives such blocks back to the
system each time, and every new page of 4 kB costs a fault (measured: 7 % of a proxy's processor time). Pages of 2 MB
save address look-ups (measured: 6 % more, with glibc from 2.35 on where the system offers them by `madvise`).
"""

MALLOC = {  # environment variable → value
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),  # bytes; smaller blocks are kept
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),  # bytes
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
