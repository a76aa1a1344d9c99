"""The `recommend.limits` section."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST_EPOCHS = 1_000.0
MOST_BPB = 1_000.0  # a byte that is guessed costs 8
Range = float | tuple[float | None, float | None]


class LimitSettings(BaseModel):
    """What a recommended mix must obey."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    bounds: dict[str, Range] = {}
    """Domain or pattern → [least, most] weight, null for none, or one number that pins it. A pattern (`web/*`) bounds
    the sum of the domains that it matches."""
    epochs: dict[str, float] = {}
    """Domain or pattern → most epochs of each such domain, in place of `max_epochs`; of several patterns the last
    counts. 1 is every token once."""
    near: dict[str, float] = {}
    """The mix that `pull`, `most_kl` and `closest` refer to; empty is natural."""
    most_kl: float | None = Field(None, gt=0, le=1_000)
    """Most KL(mix ‖ that mix), nats."""
    keep: dict[str, float] = {}
    """Family or task → how much worse its predicted bpb may be than the prediction at that mix; or, where proxies start
    from a checkpoint (`proxy.init_from`), than the checkpoint's own bpb."""
    closest: float | None = Field(None, gt=0, le=1)
    """Take, in place of the best mix, the one closest to that mix which brings at least this share of the gain."""

    @field_validator("bounds")
    @classmethod
    def _ordered(cls, bounds: dict[str, Range]) -> dict[str, Range]:
        for name, value in bounds.items():
            low, high = ends(value)
            if not 0 <= low <= high <= 1:
                raise ValueError(f"{name!r} goes from {low:g} to {high:g}, must be 0 ≤ least ≤ most ≤ 1")
        return bounds

    @field_validator("epochs")
    @classmethod
    def _positive(cls, epochs: dict[str, float]) -> dict[str, float]:
        for name, value in epochs.items():
            if not 0 < value <= MOST_EPOCHS:
                raise ValueError(f"{name!r} has {value:g} epochs, must be above 0 and at most {MOST_EPOCHS:g}")
        return epochs

    @field_validator("near")
    @classmethod
    def _weights(cls, near: dict[str, float]) -> dict[str, float]:
        for name, value in near.items():
            if not 0 <= value <= 1:
                raise ValueError(f"weight of {name!r} is {value:g}, must be from 0 to 1")
        return near

    @field_validator("keep")
    @classmethod
    def _within_reach(cls, keep: dict[str, float]) -> dict[str, float]:
        for name, value in keep.items():
            if not -MOST_BPB <= value <= MOST_BPB:
                raise ValueError(f"{name!r} may be {value:g} bpb worse, must be from -{MOST_BPB:g} to {MOST_BPB:g}")
        return keep


def ends(value: Range) -> tuple[float, float]:
    """Least and most weight that a range allows."""
    if isinstance(value, tuple):
        low, high = value
        return 0.0 if low is None else low, 1.0 if high is None else high
    return value, value
