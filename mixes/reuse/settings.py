"""The `reuse:` section: an earlier recommendation, or earlier runs."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Place = Annotated[str, Field(min_length=1)]


class ReuseSettings(BaseModel):
    """The `reuse:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    recommendation: Place | None = None
    """An earlier recommendation, whose proportions are kept: the JSON that `recommend-mix --json` printed, or an id of
    this work folder."""
    partial: tuple[str, ...] = ()
    """Globs of domains that are mixed anew although their content is unchanged; with `recommendation`."""
    runs: tuple[Place, ...] = ()
    """Earlier experiments whose runs are kept as evidence beside a smaller new swarm: the file or the work folder of
    one, or a list of them. This experiment's own work folder stands for its swarm over an earlier pool."""
    allow_stale: bool = False
    """Whether runs count although a domain that they read has changed since; with `runs`. Runs that read a domain that
    is gone are then left out."""

    @field_validator("runs", mode="before")
    @classmethod
    def _listed(cls, runs: object) -> object:
        return (runs,) if isinstance(runs, str) else runs

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.recommendation and self.runs:
            raise ValueError("recommendation and runs exclude each other — keep one")
        if not self.recommendation and not self.runs:
            raise ValueError("names nothing to reuse — give runs or recommendation, or leave the section out")
        for name, value, needed in (
            ("partial", self.partial, "recommendation"),
            ("allow_stale", self.allow_stale, "runs"),
        ):
            if value and not getattr(self, needed):
                raise ValueError(f"{name} needs {needed} — leave it out")
        return self
