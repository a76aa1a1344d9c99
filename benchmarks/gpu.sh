#!/bin/sh
# What only a GPU can show, in one go: the GPU's tests, two cells of the table of cohorts, scoring, and a swarm of 64
# proxies of 1M that ends by its stop. Some ten minutes on an H100, after `make sample` and `mixwright prepare` have
# filled build/sample and build/work (those need no GPU):
#
#     PATH=.venv/bin:$PATH benchmarks/gpu.sh
#
# What it prints belongs into docs/EXPERIMENTS.md, with the card's name.
set -u
cd "$(dirname "$0")/.."
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
python -m pytest -q -n 0 tests/gpu
python benchmarks/swarm.py gpu --sizes 15M 30M --cohorts 1
python benchmarks/swarm.py scoring --suite "$(ls -d build/work/stages/suite-* | head -1)"
python - <<'END'
import yaml
content = yaml.safe_load(open("experiments/sample.yaml"))
content["proxy"] = {"size": "1M", "tokens": 5_242_880, "device": "cuda"}
content["swarm"] = {"mixes": 58, "seeds": 3, "max_epochs": 50, "stop": {"regret": 0.25}}
yaml.safe_dump(content, open("experiments/gpu.yaml", "w"))
END
time mixwright swarm experiments/gpu.yaml
mixwright recommend experiments/gpu.yaml
rm experiments/gpu.yaml
