"""The `executor:` section: flat, since only `kind` and a few words change from machine to machine, and by stage."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from mixes.errors import first_mistake
from mixes.show.secrets import set_secret

KINDS = {  # fields that not every kind knows
    "partition": ("slurm",),
    "time": ("slurm",),
    "account": ("slurm",),
    "qos": ("slurm",),
    "constraint": ("slurm",),
    "gres": ("slurm",),
    "env_command": ("slurm",),
    "container": ("slurm",),
    "sbatch": ("slurm",),
    "max_array_size": ("slurm",),
    "ranks_per_job": ("slurm",),
    "address": ("ray",),
    "gpus": ("slurm", "ray"),
    "cpus_per_task": ("slurm", "ray"),
    "mem_per_cpu_gb": ("slurm", "ray"),
}
OURS = {"array", "dependency", "error", "export", "job-name", "output", "requeue"}  # options of sbatch that are set
TWICE = ("account", "qos", "constraint", "gpus", "gres")  # fields that are options of sbatch too

Kind = Literal["local", "slurm", "ray"]
Stage = Literal[
    "filter", "index", "deduplicate", "clean", "label", "tokenise", "score", "swarm", "export", "blend",
]  # fmt: skip
TRAINING: tuple[Stage, ...] = ("score", "swarm")  # stages that run on GPUs where `proxy.device` is cuda
SHOWN_AS = {"train": "swarm"}  # what the terminal calls a stage's line of progress

Word = Annotated[str, StringConstraints(pattern=r"^[^\s]+$")]
Option = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\n]+$")]


def _quoted(value: object) -> object:
    """YAML reads 12:00:00 without quotes as a number in base 60."""
    if isinstance(value, int):
        raise ValueError('write it in quotes, as "02:00:00"')
    return value


def _gpus(value: object) -> object:
    """`gpus: 1` is a number in YAML, and h100:1 a text."""
    if value is not None and not re.fullmatch(r"([A-Za-z][\w.-]*:)?[1-9]\d{0,3}", str(value)):
        raise ValueError("write a number from 1 on, or a type and a number, as h100:1")
    return None if value is None else str(value)


def _image(value: object) -> object:
    """Jobs may start in another folder, so a relative path would be another file."""
    if value is not None and not re.fullmatch(r"(/|[a-z][a-z0-9+.-]*://)\S+", str(value)):
        raise ValueError("write an absolute path, or an address such as docker://…")
    return value


def _by_their_names(stages: object) -> object:
    """Stages under the names that settings have for them."""
    if not isinstance(stages, dict):
        return stages
    named = {SHOWN_AS.get(name, name): settings for name, settings in stages.items()}
    if len(named) < len(stages):
        raise ValueError("train and swarm name the same stage — keep one")
    return named


class ExecutorSettings(BaseModel):
    """The `executor:` section: where the heavy stages run. It never changes what they produce."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Kind = "local"
    """`local`: processes of this machine. `slurm`: job arrays. `ray`: actors of a Ray cluster. A cluster's nodes
    must see the experiment's folder under the same path."""
    workers: int | None = Field(None, ge=1, le=1_000_000)
    """Ranks that run at once. The default is one per core of this machine, and on a cluster as many as it has room
    for."""
    retries: int = Field(2, ge=0, le=100)
    """How often a rank is run again that failed for a reason that can pass: its node died, it was killed or
    preempted, its memory was full, a connection broke. A mistake in the input is never repeated."""
    cpus_per_task: int | None = Field(None, ge=1, le=10_000)
    """CPUs of a rank. The default is 1, and 4 where it trains on a GPU."""
    mem_per_cpu_gb: int | None = Field(None, ge=1, le=100_000)
    """Memory of a rank in GB per CPU. The default is 2, and 4 where it trains on a GPU."""
    gpus: Annotated[str | None, BeforeValidator(_gpus)] = None
    """GPUs of a rank, as `sbatch --gpus` takes them: 1, or h100:1; on Ray a number. In `executor:` itself it counts for
    stages that train; in a stage's own settings, for that stage. A rank that trains on a GPU asks for 1 by default."""
    gres: Word | None = None
    """The same as `sbatch --gres` takes it: gpu:a100:1. It replaces the default request."""
    partition: Word | None = None
    """Slurm's partition. Slurm needs one."""
    time: Annotated[Word | None, BeforeValidator(_quoted)] = None
    """Slurm's time limit of a job, as `sbatch --time` takes it: "02:00:00". Slurm needs one."""
    account: Word | None = None
    """Slurm's account that the jobs are charged to."""
    qos: Word | None = None
    """Slurm's quality of service."""
    constraint: Word | None = None
    """Features that a node must have, as `sbatch --constraint` takes them: icelake, or "a100&nvlink"."""
    env_command: Line | None = None
    """Shell line that a job begins with, to find this package: "source /shared/venv/bin/activate".
    The default puts the folder of the Python that submits first on the PATH; with a container nothing is done."""
    container: Annotated[str | None, BeforeValidator(_image)] = None
    """Image that the ranks run in by `apptainer exec`: an absolute path, or an address such as docker://… It must
    hold the same version of this package and of Python. APPTAINER_BIND names folders that the image must see."""
    sbatch: dict[Option, Annotated[str, StringConstraints(pattern=r"^[^\n]*$")]] | None = None
    """Further options of sbatch, without their dashes: {reservation: nlp, exclude: node7}. An option of GPUs here
    replaces the default request, in all stages."""
    max_array_size: int | None = Field(None, ge=1, le=1_000_000)
    """Most jobs of one array. The default is what `scontrol show config` says the cluster takes (MaxArraySize). More
    jobs are split into several arrays, one after another."""
    ranks_per_job: int | None = Field(None, ge=1, le=100_000)
    """Ranks that one job runs, one after another, where ranks are many and short. The default is 1. `time` is the limit
    of the whole job."""
    address: Word | None = None
    """The Ray cluster, as `ray.init` takes it. The default is RAY_ADDRESS, else a cluster of this machine that ends
    with the command."""
    stages: Annotated[dict[Stage, dict[str, Any]], BeforeValidator(_by_their_names)] = {}
    """Any of these fields by stage, in place of those above: {swarm: {partition: gpu, time: "12:00:00"}}. Stages are
    filter, index, deduplicate, clean, label, tokenise, score (of the checkpoint that proxies start from), swarm (the
    training of proxies), export and blend."""

    def at(self, stage: Stage) -> "ExecutorSettings":
        """The settings of one stage. Where its kind is another, it inherits the fields that this kind knows."""
        own = {name: value for name, value in self.stages.get(stage, {}).items() if value is not None}
        kind = own.get("kind", self.kind)
        general = self.model_dump(exclude={"stages"}, exclude_none=True)
        if stage not in TRAINING or {"gpus", "gres"} & own.keys():
            general = {name: value for name, value in general.items() if name not in ("gpus", "gres")}
        inherited = {name: value for name, value in general.items() if kind in KINDS.get(name, (kind,))}
        return ExecutorSettings.model_validate({**inherited, **own})

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
        if self.kind == "ray" and self.gpus and not self.gpus.isdigit():
            number = self.gpus.partition(":")[2]
            raise ValueError(f"gpus: {self.gpus!r} names a type, and Ray takes a number — write {number}")
        if taken := sorted(OURS & (self.sbatch or {}).keys()):
            raise ValueError(f"sbatch: {taken[0]} is set by mixwright — leave it out")
        if doubled := [name for name in TWICE if name in (self.sbatch or {}) and getattr(self, name)]:
            raise ValueError(f"{doubled[0]} is given twice, as a field and in sbatch — keep the field")
        if secret := set_secret(self.env_command or ""):
            raise ValueError(
                f"env_command sets {secret}, and jobs' scripts are kept — set it in the shell that runs mixwright: "
                "Slurm passes it on"
            )
        return self

    @model_validator(mode="after")
    def _stages_fit(self) -> "ExecutorSettings":
        for name, own in self.stages.items():
            if "stages" in own:
                raise ValueError(f"stages.{name}: holds stages itself — leave them out")
            try:
                self.at(name)
            except ValidationError as error:
                raise ValueError(f"stages.{name}: {first_mistake(error, ExecutorSettings).lstrip(': ')}") from None
        return self


def gpu_requests(settings: ExecutorSettings, gpus: int) -> dict[str, Any]:
    """What a rank's job asks of GPUs, by options of sbatch: as the settings say, else as many as the rank wants."""
    asked = {name: value for name in ("gpus", "gres") if (value := getattr(settings, name))}
    by_options = any(
        name.startswith("gpus") or (name in ("gres", "tres-per-task") and "gpu" in value)
        for name, value in (settings.sbatch or {}).items()
    )
    is_asked = by_options or "gpus" in asked or "gpu" in asked.get("gres", "")
    return asked if is_asked or not gpus else {**asked, "gpus": gpus}
