"""levanter: the training set that LmDataConfig makes of `data.yaml`; it tokenises the texts itself."""

import asyncio

import draccus
import haliax as hax
import jax
import yaml
from drawn import FOLDER, SEQUENCE, WANTED, put_tokens
from levanter.data.text import datasets as text
from levanter.schedule import BatchSchedule

data = yaml.safe_load((FOLDER / "data.yaml").read_text())["data"]
data["cache_dir"] = str(FOLDER.parent / "levanter-cache")
config = draccus.decode(text.LmDataConfig, data)
train = config.train_set(hax.Axis("position", SEQUENCE), BatchSchedule(8), key=jax.random.PRNGKey(1))
samples = asyncio.run(train.get_batch(list(range(max(WANTED // SEQUENCE, 2_048)))))
for sample in samples:
    put_tokens(sample.tokens.array)
