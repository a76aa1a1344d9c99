"""Speed as it is measured for a plan: processes side by side, and only as much work as the time allows."""

from mixes.proxy.settings import ProxySettings
from mixes.proxy.speed import measure_speed


def test_speed_is_of_as_many_as_work_at_once():
    settings = ProxySettings(size="100k", context=32, batch=4, tokens=4_096)
    speed = measure_speed(settings, 300, proxies=9, workers=2, seconds=0.5)
    assert (speed.workers, speed.cohort) == (2, 1)
    assert 1 <= speed.batch <= 4
    assert speed.tokens > 0
    assert 0 < speed.share <= 1


def test_a_step_that_takes_long_is_timed_on_fewer_sequences():
    settings = ProxySettings(size="4M", context=256)
    assert measure_speed(settings, 2_048, proxies=1, workers=1, seconds=0.2).batch < settings.batch
