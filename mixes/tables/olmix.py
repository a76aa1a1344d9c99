"""Olmix's fit configuration (allenai/olmix, arXiv 2602.12237), read as the question that it asks.

What a field says is translated where there is the same setting here, and named where it means something else. Olmix
minimises Σ weight · law + kl_reg · KL(mix ‖ relative_sizes), in which the weights need not sum to one; here they do, so
kl_reg is divided by their sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixes.budget import UNITS, parse_tokens
from mixes.errors import MixError, did_you_mean, first_mistake
from mixes.tables.families import Families, families_of
from mixes.tables.keys import listed
from mixes.tables.metrics import Metric, Stated
from mixes.tables.tokens import counted_tokens, natural_mix
from mixes.tables.yaml_file import read_yaml

LAWS = {"log_linear": "log_linear", "lightgbm": "lightgbm", "gp": "gp", "bimix": "bimix"}  # Olmix's name → ours
MOST_NAMED = 8  # weights that a line names
NO_LAW_HERE = ("search", "autoscale")
SAME_SHARES = 1e-6  # relative sizes this close to the shares of tokens are these shares, rounded
OTHER_SHARES = (
    "priors.relative_sizes are not the shares of token_counts: the pull is to relative_sizes; gains are counted from "
    "the shares of the tokens"
)
EVERY = Stated("bpb")  # of all metrics: Olmix minimises each of them


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class _Swarm(_Section):
    ratios: str | None = None
    metrics: str | None = None


class _Priors(_Section):
    relative_sizes: dict[str, float] = {}
    token_counts: dict[str, int | float | str] = {}


class _Eval(_Section):
    type: Literal["offline", "inloop"] = "offline"
    tasks: dict[str, list[str] | dict[str, str]] = {}  # family → metrics; in-loop: → task → metric


class _Regression(_Section):
    type: str = "log_linear"
    seed: int = 0
    n_test: int = 0
    train_split: float = 1.0
    aggregate_task_families: bool = False


class _Proposer(_Section):
    type: str = "exact"
    temperature: float | None = None
    kl_reg: float | None = Field(None, ge=0)
    fit_only: bool = False
    make_worst_mix: bool = False


class _Constraints(_Section):
    enabled: bool = False
    target_tokens: int | float | str | None = None
    repetition_factor: float = Field(4.0, gt=0, le=1_000)


class _Filtering(_Section):
    drop_metrics: list[str] = []
    obj_weights: dict[str, float | str] = {}


class _Fit(_Section):
    swarm: _Swarm = _Swarm()
    priors: _Priors = _Priors()
    eval: _Eval | None = None
    regression: _Regression = _Regression()
    proposer: _Proposer = _Proposer()
    constraints: _Constraints = _Constraints()
    filtering: _Filtering = _Filtering()


@dataclass(frozen=True)
class OlmixFit:
    """What a fit configuration says, in the words that are used here."""

    path: Path
    ratios: str | None  # paths as Olmix reads them
    metrics: str | None
    families: Families
    tokens: Mapping[str, float] | None  # domain → available tokens
    natural: Mapping[str, float] | None  # domain → share
    near: Mapping[str, float] | None  # the mix that the pull refers to, where it is not natural
    settings: Mapping[str, Any]  # of `recommend:`: budget, max_epochs, law
    weights: Mapping[str, float]  # family or metric → weight; Olmix counts any other as 1
    by_family: bool  # whether Olmix adds up families, and not metrics
    kl: float | None  # bpb per nat, beside Olmix's weights
    notes: tuple[str, ...]  # what means something else here, and what is not known

    def target(self, metrics: Mapping[str, Metric]) -> dict[str, float]:
        """Family or metric → weight, as Olmix adds up the metrics that are read.

        Raises:
            MixError: a weight names neither a family nor a metric.
        """
        families = {metric.family for metric in metrics.values()}
        weights = {name: value for name, value in self.weights.items() if name not in self.families.leave_out}
        names = sorted(families if self.by_family or families & weights.keys() else metrics)
        for name in weights:
            if name not in names:
                raise MixError(f"{self.path}: filtering.obj_weights: no {name!r} among what is counted — "
                               f"{did_you_mean(name, names)}")  # fmt: skip
        return {name: weights.get(name, 1.0) for name in names}

    def pull_bpb(self, metrics: Mapping[str, Metric]) -> float | None:
        """bpb per nat, of a target whose weights sum to one; None where the configuration sets none."""
        if self.kl is None or not self.weights:
            return self.kl
        return self.kl / (sum(self.target(metrics).values()) or 1.0)


def read_olmix(path: Path) -> OlmixFit:
    """A fit configuration of Olmix.

    Raises:
        MixError: it cannot be read, is none, has a field of a wrong kind, or asks for the worst mix.
    """
    content = read_yaml(path)
    if not isinstance(content, Mapping) or "data" in content or not {"swarm", "priors", "eval"} & set(content):
        raise MixError(f"{path}: is no fit configuration of Olmix — one has the sections swarm, priors, eval, …")
    try:
        fit = _Fit.model_validate({name: section for name, section in content.items() if section is not None})
    except ValidationError as error:
        raise MixError(f"{path}: {first_mistake(error, _Fit)}") from None
    if fit.proposer.make_worst_mix:
        raise MixError(
            f"{path}: proposer.make_worst_mix: asks for the worst mix, which is not computed here — set false"
        )
    tokens, sizes = _priors(path, fit.priors)
    shares = natural_mix(tokens) if tokens else None
    near = sizes if sizes and shares and _apart(sizes, shares) else None
    return OlmixFit(
        path=path,
        ratios=fit.swarm.ratios,
        metrics=fit.swarm.metrics,
        families=_families(path, fit),
        tokens=tokens,
        natural=shares or sizes,
        near=near,
        settings=_settings(path, fit),
        weights={name: _weight(path, name, value) for name, value in fit.filtering.obj_weights.items()},
        by_family=fit.regression.aggregate_task_families,
        kl=fit.proposer.kl_reg,
        notes=(*([OTHER_SHARES] if near else []), *_differing(fit), *_unknown(fit)),
    )


def _settings(path: Path, fit: _Fit) -> dict[str, Any]:
    """Budget, epochs and law. Without constraints Olmix counts no epochs."""
    if fit.regression.type not in (*LAWS, *NO_LAW_HERE):
        known = did_you_mean(fit.regression.type, (*LAWS, *NO_LAW_HERE))
        raise MixError(f"{path}: regression.type: Olmix has no {fit.regression.type!r} — {known}")
    law = LAWS.get(fit.regression.type, "auto")
    if not fit.constraints.enabled:
        return {"law": law}
    if fit.constraints.target_tokens is None:
        raise MixError(f"{path}: constraints.target_tokens is missing — with `enabled: true` it is the budget")
    try:
        budget = parse_tokens(str(fit.constraints.target_tokens))
    except MixError as error:
        raise MixError(f"{path}: constraints.target_tokens: {error}") from None
    return {"budget": str(budget), "max_epochs": fit.constraints.repetition_factor, "law": law}


def _priors(path: Path, priors: _Priors) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """Tokens, and relative sizes that sum to one; None where they are not stated."""
    where, sizes = f"{path}: priors", priors.relative_sizes
    tokens = counted_tokens(f"{where}.token_counts", priors.token_counts.items()) if priors.token_counts else None
    if not sizes:
        return tokens, None
    if min(sizes.values()) < 0 or not any(sizes.values()):
        raise MixError(f"{where}.relative_sizes: shares are 0 or more, and not all of them 0")
    odd = sorted(tokens.keys() ^ sizes.keys()) if tokens else []
    if odd:
        raise MixError(f"{where}: {listed(odd)} only in one of relative_sizes and token_counts — name it in both")
    total = sum(sizes.values())
    return tokens, {domain: size / total for domain, size in sizes.items()}


def _apart(sizes: Mapping[str, float], shares: Mapping[str, float]) -> bool:
    return any(abs(sizes[domain] - share) > SAME_SHARES for domain, share in shares.items())


def _families(path: Path, fit: _Fit) -> Families:
    """Families of the metrics that Olmix reads; without `eval` it reads all of them."""
    dropped = tuple(fit.filtering.drop_metrics)
    tasks = {} if fit.eval is None else fit.eval.tasks
    groups = {
        family: list(names.values() if isinstance(names, dict) else names) for family, names in tasks.items() if names
    }
    grouped = families_of(f"{path}: eval.tasks", groups).groups if groups else {}
    return Families(grouped, dropped, EVERY, lenient=True)


def _weight(path: Path, name: str, value: float | str) -> float:
    """A weight as a number, or as a fraction: `7/52.0`."""
    above, _, below = str(value).partition("/")
    try:
        weight = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise MixError(
            f"{path}: filtering.obj_weights: {name} is {value!r} — write a number or a fraction such as 7/52"
        )
    return weight


def _differing(fit: _Fit) -> list[str]:
    """Fields that ask for something which is done in another way here."""
    regression, proposer = fit.regression, fit.proposer
    differing = {
        "regression.aggregate_task_families: Olmix fits one law to a family's mean; here every task has a law of its "
        "own, and a family is their mean without the dropped metrics": regression.aggregate_task_families,
        f"regression.type {regression.type!r}: no such law here; `auto` takes its place": regression.type
        in NO_LAW_HERE,
        "filtering.obj_weights: they name families, and aggregate_task_families is false, so Olmix would ignore them; "
        "here they are the target": not regression.aggregate_task_families and _families_weighted(fit),
        "regression.n_test, train_split: Olmix sets runs aside; here every run is fitted, and check-law measures on "
        "runs that are held out": regression.n_test or regression.train_split != 1,
        "regression.seed: Olmix's choice of runs that it sets aside; not used here": regression.seed,
        f"proposer.type {proposer.type!r}: Olmix's way of searching; here the optimum is computed": proposer.type
        != "exact",
        "proposer.temperature: of Olmix's simulated mixes; none are simulated here": proposer.temperature is not None,
        "proposer.fit_only: Olmix would recommend no mix": proposer.fit_only,
        "proposer.kl_reg is not set: the pull to natural is this tool's default": proposer.kl_reg is None,
        "constraints.enabled is false: no epochs are counted, unless a budget is given": not fit.constraints.enabled,
    }
    return [note for note, differs in differing.items() if differs]


def _families_weighted(fit: _Fit) -> bool:
    return fit.eval is not None and bool(fit.eval.tasks.keys() & fit.filtering.obj_weights.keys())


def _unknown(fit: _Fit) -> list[str]:
    """A note on fields that Olmix does not have."""
    names = [*(fit.model_extra or {})]
    for name, section in fit:
        if isinstance(section, _Section):
            names += [f"{name}.{field}" for field in section.model_extra or {}]
    return [f"not known, and not read: {', '.join(names)}"] if names else []


def words_of(settings: Mapping[str, Any], target: Mapping[str, float], pull: float | None, near: bool) -> str:
    """A configuration's settings as options of the command line, and what has no option in words."""
    words = [f"--{name.replace('_', '-')} {_short(value)}" for name, value in settings.items()]
    if len(target) <= MOST_NAMED:
        words += [f"--target {name}={weight:.4g}" for name, weight in target.items()]
    parts = [" ".join(words)]
    if len(target) > MOST_NAMED:
        parts.append(f"the mean of {len(target)} metrics{', weighted' if len(set(target.values())) > 1 else ''}")
    if pull is not None:
        parts.append(f"a pull to {'relative_sizes' if near else 'natural'} of {pull:g} bpb per nat")
    return ", ".join(parts)


def _short(value: Any) -> str:
    """6T for 6000000000000; other values as they are."""
    if not str(value).isdecimal():
        return f"{value:g}" if isinstance(value, float) else str(value)
    unit = max((unit for unit in UNITS if int(value) % UNITS[unit] == 0), key=lambda unit: UNITS[unit])
    return f"{int(value) // UNITS[unit]}{unit}"
