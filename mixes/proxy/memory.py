"""How many proxies fit a GPU together: counted from their shape, so that the number is decided before anything runs."""

from mixes.errors import MixError
from mixes.proxy.settings import ProxySettings

USED = 0.85  # of the free memory (assumed: what fragmentation and libraries leave)
STATE = 20  # bytes per parameter: weight, gradient and AdamW's two averages in fp32, two copies of the weight in bf16
WIDE, HIDDEN = 32, 8  # bytes per token and layer for each unit of width, and of the SwiGLU, kept for the backward pass
ENDS = 24  # bytes per token for each unit of width around the layers: embedded, last states, their gradient
SLICE = 10 * (1 << 28)  # bytes of the head's logits at work: bf16, fp32, and the gradient


def bytes_a_proxy(settings: ProxySettings, vocabulary: int, parts: int = 1) -> int:
    """Memory of one proxy in training, its batch cut into `parts`. The counts come from the tensors that a step keeps;
    measured on an H200, cohorts of 8 to 128 of 1M to 30M took 65 to 69 % of it and of SLICE (8 of 1M 51 %). One that
    does not fit after all is halved."""
    shape = settings.shape
    tables = (1 if settings.tied else 2) * vocabulary * shape.width
    a_token = shape.layers * (WIDE * shape.width + HIDDEN * shape.hidden) + ENDS * shape.width
    return STATE * (shape.non_embedding + tables) + -(-settings.batch // parts) * settings.context * a_token


def choose_cohort(settings: ProxySettings, vocabulary: int, free_bytes: int) -> int:
    """Proxies to train together on a device with `free_bytes` of memory; 1 on a CPU, where more gain nothing."""
    if settings.device == "cpu":
        return 1
    return max(1, int(USED * free_bytes - SLICE) // bytes_a_proxy(settings, vocabulary))


def choose_parts(settings: ProxySettings, vocabulary: int, free_bytes: int) -> int:
    """Pieces that a batch must be cut into for one proxy to fit: 1 wherever there is room.

    Raises:
        MixError: not even one sequence fits.
    """
    if settings.device == "cpu":
        return 1
    room = USED * free_bytes - SLICE
    for parts in range(1, settings.batch + 1):
        if bytes_a_proxy(settings, vocabulary, parts) <= room:
            return parts
    raise MixError(
        f"proxy.size: {settings.size} needs {bytes_a_proxy(settings, vocabulary, settings.batch) + SLICE >> 20:,} MiB "
        f"for a single sequence, and {int(USED * free_bytes) >> 20:,} are free — take a smaller size or context"
    )
