"""Over several planted swarms: no finding where there is none."""

from planted_swarm import ask, swarm


def test_noise_is_not_called_a_finding():
    calls = [ask(swarm(signal=0.0, noise=0.02, seed=seed), replicates=60).verdict["target"] for seed in range(6)]
    assert calls.count("not_distinguishable") >= 5
