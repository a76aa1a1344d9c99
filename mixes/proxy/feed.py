"""Loads batches ahead in a thread, so that the device does not wait for the disk; measures how long it did wait."""

import queue
import threading
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

AHEAD = 3  # batches in the queue (assumed: one being copied, one ready, one in reserve)
END = None


class Feed:
    """Iterates over batches as tensors on the device. `waited`: seconds that the consumer waited at an empty queue.

    On a GPU the copies are asynchronous, from pinned memory; what is counted as waiting is then an upper bound, since
    the device still works on earlier steps. Whatever the loader raises is raised where the batch is asked for.
    """

    def __init__(self, batches: Iterator[np.ndarray], device: torch.device) -> None:
        self.batches, self.device = batches, device
        self.waited = 0.0
        self.loaded: queue.Queue[Tensor | Exception | None] = queue.Queue(AHEAD)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._load, daemon=True)

    def _load(self) -> None:
        try:
            for rows in self.batches:
                tokens = torch.from_numpy(rows)
                self._put(tokens.pin_memory() if self.device.type == "cuda" else tokens)
                if self.stopped.is_set():
                    return
            self._put(END)
        except Exception as error:  # raised again in the thread that trains
            self._put(error)

    def _put(self, loaded: Tensor | Exception | None) -> None:
        while not self.stopped.is_set():
            try:
                return self.loaded.put(loaded, timeout=0.5)
            except queue.Full:
                continue

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            asked = time.perf_counter()
            loaded = self.loaded.get()
            self.waited += time.perf_counter() - asked
            if loaded is END:
                return
            if isinstance(loaded, Exception):
                raise loaded
            yield loaded.to(self.device, non_blocking=True).long()

    def __enter__(self) -> "Feed":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()
