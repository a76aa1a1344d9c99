"""The `executor:` section: one flat section, since only `kind` and a few words change from machine to machine."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

KINDS = {  # fields that not every kind knows
    "partition": ("slurm",),
    "time": ("slurm",),
    "env_command": ("slurm",),
    "sbatch": ("slurm",),
    "max_array_size": ("slurm",),
    "address": ("ray",),
    "cpus_per_task": ("slurm", "ray"),
    "mem_per_cpu_gb": ("slurm", "ray"),
}
OURS = {"array", "dependency", "error", "export", "job-name", "output", "requeue"}  # options of sbatch that are set

Word = Annotated[str, StringConstraints(pattern=r"^[^\s]+$")]
Option = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$")]


def _quoted(value: object) -> object:
    """YAML reads 12:00:00 without quotes as a number in base 60."""
    if isinstance(value, int):
        raise ValueError('write it in quotes, as "02:00:00"')
    return value


class ExecutorSettings(BaseModel):
    """The `executor:` section: where the heavy stages run. It never changes what they produce."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["local", "slurm", "ray"] = "local"
    """`local`: processes of this machine. `slurm`: a job array. `ray`: actors of a Ray cluster. A cluster's nodes
    see the experiment's folder under the same path."""
    workers: int | None = Field(None, ge=1, le=1_000_000)
    """Ranks that run at once; by default as many as this machine has cores, on a cluster as many as it has room for."""
    cpus_per_task: int | None = Field(None, ge=1, le=10_000)
    """CPUs of a rank; 1 by default, 4 where it trains on a GPU."""
    mem_per_cpu_gb: int | None = Field(None, ge=1, le=100_000)
    """Memory of a rank in GB a CPU; 2 by default, 4 where it trains on a GPU."""
    partition: Word | None = None
    """Slurm's partition."""
    time: Annotated[Word | None, BeforeValidator(_quoted)] = None
    """Slurm's time limit of a job, as `sbatch --time` takes it: "02:00:00"."""
    env_command: str | None = None
    """Shell line that a job begins with, to find datatrove and this package; by default the Python that submits."""
    sbatch: dict[Option, Annotated[str, StringConstraints(pattern=r"^[^\n]*$")]] | None = None
    """Further options of sbatch, without their dashes: {account: nlp, constraint: icelake}. Where proxies train on GPUs
    every rank asks for one; an option of GPUs here (gpus, gres …) says otherwise, and for all stages."""
    max_array_size: int | None = Field(None, ge=1, le=1_000_000)
    """Most jobs of an array, 1000 by default; where there are more ranks, a job runs several, one after another."""
    address: Word | None = None
    """The Ray cluster, as `ray.init` takes it; else RAY_ADDRESS, else a cluster of this machine that ends with us."""

    def takes(self, gpus: int) -> tuple[int, int]:
        """CPUs of a rank, and GB for each. One on a GPU also compiles, loads batches and starts from weights that are
        drawn on the CPU (assumed: enough for all three)."""
        cpus, memory = (4, 4) if gpus else (1, 2)
        return self.cpus_per_task or cpus, self.mem_per_cpu_gb or memory

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "ExecutorSettings":
        for name, kinds in KINDS.items():
            if getattr(self, name) is not None and self.kind not in kinds:
                raise ValueError(
                    f"{name} is of kind {' and '.join(kinds)}, and kind is {self.kind} — "
                    f"set kind: {kinds[0]} or leave {name} out"
                )
        for name in ("partition", "time"):
            if self.kind == "slurm" and getattr(self, name) is None:
                raise ValueError(f"kind slurm needs {name} — `sinfo` lists partitions and their longest times")
        if taken := sorted(OURS & (self.sbatch or {}).keys()):
            raise ValueError(f"sbatch: {taken[0]} is set by mixwright — leave it out")
        return self
