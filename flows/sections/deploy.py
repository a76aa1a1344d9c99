"""The `deploy:` section: when Prefect starts an experiment's flows, and on what machine. It changes no result."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from flows.cron import has_shape_of_cron, no_cron
from mixes.errors import cut_short, did_you_mean
from mixes.show.secrets import is_secret_name

FLOWS = ("prepare-corpus", "train-swarm", "recommend-mix", "optimise-blend", "refresh")
DEFAULT_POOL = "mixwright"
LEAST_EVERY, MOST_EVERY = 1.0, 31_622_400.0  # seconds: a year
KINDS = {  # fields that not every kind of work pool knows
    "image": ("docker", "kubernetes"),
    "gpus": ("docker", "kubernetes"),
    "cpus": ("docker", "kubernetes", "slurm"),
    "memory_gb": ("docker", "kubernetes", "slurm"),
    "namespace": ("kubernetes",),
    "claim": ("kubernetes",),
    "partition": ("slurm",),
    "activate": ("slurm",),
}

Word = Annotated[str, StringConstraints(pattern=r"^[^\s]+$", max_length=200)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Block = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$", max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class Schedule(BaseModel):
    """When a flow is started."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cron: str | None = None
    """Minute, hour, day, month and weekday: "0 3 * * *" is three o'clock every night."""
    timezone: str | None = None
    """Whose clock `cron` goes by, as in Europe/Berlin; UTC by default."""
    every: float | None = Field(None, ge=LEAST_EVERY, le=MOST_EVERY)
    """Seconds from one start to the next, in place of `cron`."""

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str | None) -> str | None:
        if cron is not None and not has_shape_of_cron(cron):
            raise ValueError(no_cron(cron))
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str | None) -> str | None:
        from zoneinfo import available_timezones

        if timezone is not None and timezone not in (known := available_timezones()):
            raise ValueError(f"{cut_short(timezone)} is no time zone — {did_you_mean(timezone, sorted(known))}")
        return timezone

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "Schedule":
        if (self.cron is None) == (self.every is None):
            raise ValueError("needs either cron or every")
        if self.timezone and self.every:
            raise ValueError("timezone goes with cron; every counts seconds — leave one out")
        return self


class DeploySettings(BaseModel):
    """The `deploy:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    pool: Name = DEFAULT_POOL
    """Prefect's work pool that starts the flows. This one is made where it is not there, another where `kind` is
    stated."""
    kind: Literal["process", "docker", "kubernetes", "slurm"] = "process"
    """What a run of a flow is: a process beside its worker, a container, a Kubernetes job, a Slurm job. Heavy stages
    go where `executor:` says; a process on a login node with `executor.kind: slurm` needs no other kind."""
    schedules: dict[str, Schedule] = {}
    """Flow → when it is started. Flows without a schedule are started by hand."""
    runs_at_once: int = Field(1, ge=1, le=1_000)
    """Runs of one flow at a time; others wait for their turn."""
    timeout_hours: float | None = Field(None, gt=0, le=8_784)
    """A run that takes longer is cancelled. None by default."""
    lost_after: int = Field(120, ge=90, le=86_400)
    """Seconds without a sign of life, which comes every 30, after which a run is marked as crashed."""
    notify: Block | None = None
    """Block of the Prefect server that sends a message when a refresh says `change`, as type/name: slack-webhook/team.
    A webhook block sends the event as JSON, a notification block sends a sentence. `prefect block ls` lists them. None
    by default: nothing is sent."""
    env: dict[Variable, str] = {}
    """Environment of a run. Keep a secret in a block of Prefect: "{{ prefect.blocks.secret.s3-key }}". A value of its
    own is refused where a name ends in SECRET, TOKEN, PASSWORD, CREDENTIALS or KEY."""
    image: Word | None = None
    """Container image that holds this package; the Dockerfile of the repository makes one."""
    cpus: int | None = Field(None, ge=1, le=10_000)
    """CPUs of a run."""
    memory_gb: int | None = Field(None, ge=1, le=100_000)
    """Memory of a run."""
    gpus: int | None = Field(None, ge=1, le=64)
    """GPUs of a run, for proxies that train in it (`executor.kind: local`)."""
    namespace: Name | None = None
    """Kubernetes namespace of the jobs."""
    claim: Name | None = None
    """Kubernetes volume claim that holds the experiment's folder; it is mounted under the folder's own path."""
    partition: Word | None = None
    """Slurm partition of the jobs."""
    activate: str | None = None
    """File that a Slurm job sources first, so that it finds this package: /home/me/venv/bin/activate."""

    @field_validator("env")
    @classmethod
    def _holds_no_secret(cls, env: dict[str, str]) -> dict[str, str]:
        for name, value in env.items():
            if is_secret_name(name) and value and not value.startswith(("{{", "/")):
                raise ValueError(
                    f"{name}: its value would stand in plain text on the server — keep it in a block of Prefect, and "
                    f'write "{{{{ prefect.blocks.secret.NAME }}}}"'
                )
        return env

    @field_validator("schedules")
    @classmethod
    def _of_known_flows(cls, schedules: dict[str, Schedule]) -> dict[str, Schedule]:
        for name in schedules:
            if name not in FLOWS:
                raise ValueError(f"{cut_short(name)} is no flow — {did_you_mean(name, FLOWS)}")
        return schedules

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "DeploySettings":
        for name, kinds in KINDS.items():
            if getattr(self, name) is not None and self.kind not in kinds:
                raise ValueError(
                    f"{name} is of kind {' and '.join(kinds)}, and kind is {self.kind} — set kind: {kinds[0]} or leave "
                    f"{name} out"
                )
        for kind, name in (("docker", "image"), ("kubernetes", "image"), ("slurm", "activate")):
            if self.kind == kind and getattr(self, name) is None:
                raise ValueError(f"kind {kind} needs {name}")
        return self
