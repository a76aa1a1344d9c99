"""The device that proxies train on, and its memory."""

import gc
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import torch

from mixes.errors import MixError
from mixes.proxy.settings import ProxySettings

TORCH = torch.__version__


def prepare_device(settings: ProxySettings) -> torch.device:
    """The device of this process: of several GPUs the one of its local rank (LOCAL_RANK, as torchrun names it). A CPU
    gets one thread, since two threads on one proxy are slower than two proxies.

    Raises:
        MixError: a GPU is asked for, and there is none.
    """
    if settings.device == "cpu":
        torch.set_num_threads(1)
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % count_gpus())
    torch.cuda.set_device(device)
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as PyTorch's notes on reproducibility ask
        torch.use_deterministic_algorithms(True)
    return device


def count_gpus() -> int:
    """GPUs of this machine that this process may use.

    Raises:
        MixError: there is none.
    """
    if not torch.cuda.is_available():
        raise MixError("proxy.device: cuda, and no GPU is here — set device: cpu")
    return torch.cuda.device_count()


def free_memory() -> int:
    """Free bytes of the GPU that has the fewest.

    A process of its own asks, because asking takes a part of the GPU's memory, which would be held as long as this
    process and everything that it forks.
    """
    count_gpus()
    release_memory()  # what this process keeps for later use counts as taken
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as child:
        return child.submit(_least_free).result()


def _least_free() -> int:
    return min(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))


FULL = (
    "can't allocate memory",  # a CPU's allocator
    "out of memory",  # CUDA's own word and Triton's, on contexts, kernels and pinned memory
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",  # a thread's first product, at the peak
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out. torch's GPU allocator raises a class of its own; all else is a RuntimeError that only its
    text identifies."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in FULL)


def release_memory() -> None:
    """Give back what a failed training held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
