"""Hugging Face datasets: the stream of `mix.py`."""

import sys
from itertools import islice

from drawn import FOLDER, WANTED, put_text

sys.path.insert(0, str(FOLDER))
from mix import train

for row in islice(train(seed=1, buffer=100), WANTED):
    put_text(row["text"])
