"""A record, or the rest of a shard, that cannot be read."""


class Refused(Exception):
    """Yielded (or raised, to be yielded) by readers; `fatal` where the rest of the shard cannot be read either."""

    def __init__(self, reason: str, offset: int, fatal: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.offset, self.fatal = reason, offset, fatal


def larger_than(limit: int) -> str:
    """The reason of a page or line of more than `limit` bytes."""
    return f"larger than {limit >> 20} MB" if limit % (1 << 20) == 0 else f"larger than {limit:,} bytes"


def unreadable(error: Exception, offset: int) -> Refused:
    """What a file system or a parser could not cope with."""
    return Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)
