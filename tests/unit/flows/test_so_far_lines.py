"""What is shown of a recommendation while proxies train, on swarms of a known truth."""

import pytest
from planted_swarm import ask, swarm

from flows.show.so_far import so_far_lines


@pytest.mark.parametrize(
    ("signal", "noise", "verdict"),
    [(1.0, 0.01, "better than natural"), (0.0, 0.1, "not distinguishable from natural yet")],
)
def test_two_lines_say_how_many_mixes_what_weights_and_what_gain(signal, noise, verdict):
    recommendation = ask(swarm(signal, noise), target={"code": 1.0})
    mix, gain, regret = so_far_lines(recommendation, 16, 25, 0.9)
    assert mix.startswith("16 of 25 mixes scored; best so far, with 90 % intervals: ")
    for domain, weight in recommendation.mix.items():
        low, high = recommendation.intervals[domain]
        assert f"{domain} {100 * weight:.0f} % ({100 * low:.0f} – {100 * high:.0f})" in mix
    assert regret.startswith(f"regret still to be expected: {recommendation.regret:.3f} bpb (")
    assert gain.startswith(f"predicted gain over natural on the target: {recommendation.predicted['target'].gain:+.3f}")
    assert gain.endswith(f"), {verdict}")


def test_small_weights_are_added_up():
    recommendation = ask(swarm(1.0, 0.01))
    recommendation.mix.update({"tv": 0.01, "radio": 0.0})
    recommendation.intervals.update({"tv": (0.0, 0.02), "radio": (0.0, 0.0)})
    assert so_far_lines(recommendation, 12, 25, 0.8)[0].endswith(", 1 other 0 %")
