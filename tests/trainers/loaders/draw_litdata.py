"""litdata: the stream of `mix.py`."""

import sys
from itertools import islice

from drawn import FOLDER, WANTED, put_text

sys.path.insert(0, str(FOLDER))
from mix import train

for row in islice(train(seed=1), WANTED):
    put_text(row[0] if isinstance(row, list | tuple) else row["text"])
