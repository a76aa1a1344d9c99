"""A law over mix and size, for swarms that hold proxies of several sizes: what a mix scores at the size asked for.

y(w, k) = f(w) + (g_k − 1)(f(w) − f(w₀)) + ℓ_k + z_k·(w − w₀) for a mix w at size k, w₀ being the swarm's centre. f is a
law over mixes, the transfer law as a rule, at the size that has runs and is nearest to the asked one: the root r. With
x the place of size k in ln units, seen from the asked size,

    ℓ = ℓ₀ + s (e^(−αx) − 1)/α + √(s² + s₀²) v_k   the level falls with size as in Chinchilla (Hoffmann et al. 2022)
    g = e^(−κ(x − x_r) + u_k)                      what mixes do grows or shrinks with size
    z_k                                            a domain is worth more or less at another size

v, u and z are random walks over the sizes (a Gaussian process with independent increments; Rasmussen and Williams 2006,
chapter 4). v begins at zero at the asked size, u at the root. z begins at the root with what all sizes share and the
form of f does not have. Were the asked size its root, then the step from there to the runs, of which no run tells
anything, would take that part up, and the law at the asked size would lack it. So near sizes count for more than far
ones, no curve has to be exact, and an answer is the less certain, the farther it is from all runs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixes.laws.curve import Curve
from mixes.laws.kind import AtMix, times
from mixes.laws.ladder import Ladder
from mixes.laws.solver import Prior

EXPONENT = (0.3, 0.3)  # α: Chinchilla's are near 0.3; that of an accuracy may be below zero
FASTER = 0.1  # standard deviation of κ, per ln unit of size (assumed)
LEVEL = 30.0  # of ℓ₀ and s, in standard deviations of the scores over mixes: as good as free
SHORTEST = 0.01  # ln units: a shorter step of a walk counts as this one
FLAT = 1e-3  # exponents nearer to 0 are taken as this
# s₀: levels of proxies that gain little from size wander too, since learning rates and batches change with it. In
# standard deviations of the scores over mixes per ln unit. Assumed; the sample's errors of 0.4 to 1.3 made it known.
LEAST_SLOPE = 2.0


@dataclass(frozen=True)
class Wander:
    """Standard deviations of the walks' steps over one ln unit of size."""

    level: float = 0.2  # v, as a share of √(s² + s₀²) (assumed until sizes tell)
    gain: float = 0.05  # u (assumed)
    domains: float = 0.1  # z·(w − w₀), in standard deviations of the scores over mixes (assumed)
    common: float = 0.07  # z at the root, in the same unit: not a step, but what all sizes share


class Sized(Curve):
    """The law on columns [weights, number of the size]; without the last column, or with 0 there, at the asked size.

    theta = [base's …, ℓ₀, s, α, κ (p each), v_1 … v_K, u_0 … u_K without u_r, z_0 … z_K (n_domains each)], by numbers
    of sizes.
    """

    auto_from = 0

    def __init__(self, base: Curve, ladder: Ladder, centre: np.ndarray, wander: Wander, spread: float) -> None:
        """centre: w₀ (n_domains,); spread: √ of the summed variances of the swarm's weights."""
        self.base, self.ladder, self.centre, self.wander, self.spread = base, ladder, centre, wander, spread
        self.root = 1 + ladder.nearest  # its number
        self.name: str = base.name
        self.convex = bool(base.convex)  # type: ignore[attr-defined]
        self.starts = base.starts
        sizes, self.axes = ladder.places.shape
        self.places = np.concatenate([np.zeros((1, self.axes)), ladder.places])  # row 0 is the asked size
        self.own = len(base.start(len(centre), base.starts[0]))  # parameters of the base
        self.walks = self.own + 1 + 3 * self.axes  # where v begins
        self.sizes = sizes
        self.numbers = np.arange(1, 1 + sizes)

    def _split(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n, n_domains) and numbers of sizes (n,)."""
        domains = len(self.centre)
        if columns.shape[1] == domains:
            return columns, np.zeros(len(columns), dtype=int)
        return columns[:, :domains], columns[:, domains].astype(int)

    def _parts(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """s, α, κ (P, p); v, u (P, 1 + K) and z (P, 1 + K, d) by numbers of sizes: zero where they begin."""
        first, walk, sizes = self.own + 1, self.walks, self.sizes
        slope, exponent, faster = (theta[:, first + i * self.axes : first + (i + 1) * self.axes] for i in range(3))
        exponent = np.where(np.abs(exponent) < FLAT, FLAT, exponent)
        level, gain = (theta[:, walk + i * sizes : walk + (i + 1) * sizes] for i in (0, 1))
        drift = theta[:, walk + 2 * sizes :].reshape(len(theta), 1 + sizes, len(self.centre))
        level, gain = (np.insert(part, begin, 0.0, axis=1) for part, begin in ((level, 0), (gain, self.root)))
        return slope, exponent, faster, level, gain, drift

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See Curve."""
        mixes, which = self._split(weights)
        slope, exponent, faster, level, gain, drift = self._parts(theta)
        value, by_base = self.base.curve(theta[:, : self.own], np.concatenate([mixes, self.centre[None]]))
        effect = value[:, :-1] - value[:, -1:]  # (P, n) of the mix at the root's size
        x, away = self.places[which], mixes - self.centre
        fall = np.expm1(-exponent[:, None] * x) / exponent[:, None]  # (P, n, p)
        by_exponent = -(x * np.exp(-exponent[:, None] * x) + fall) / exponent[:, None]
        beyond = x - self.places[self.root]
        factor = np.exp(gain[:, which] - faster @ beyond.T)  # (P, n)
        at_any = (which[:, None] == np.arange(1 + self.sizes)).astype(float)  # (n, 1 + K)
        at_size, at_other = at_any[:, 1:], np.delete(at_any, self.root, axis=1)
        fallen, steep = slope.sum(axis=1)[:, None], _steep(slope)
        result = value[:, :-1] + (factor - 1) * effect + theta[:, self.own, None] + steep * level[:, which]
        result += np.einsum("pa,pna->pn", slope, fall) + np.einsum("pnd,nd->pn", drift[:, which], away)
        jacobian = np.zeros((*result.shape, theta.shape[1]))
        own, axes, walk, sizes = self.own, self.axes, self.walks, self.sizes
        jacobian[..., :own] = factor[..., None] * by_base[:, :-1] - (factor - 1)[..., None] * by_base[:, -1:]
        jacobian[..., own] = 1
        jacobian[..., own + 1 : own + 1 + axes] = fall + (fallen / steep * level[:, which])[..., None]
        jacobian[..., own + 1 + axes : own + 1 + 2 * axes] = slope[:, None] * by_exponent
        jacobian[..., own + 1 + 2 * axes : walk] = -beyond * (factor * effect)[..., None]
        jacobian[..., walk : walk + sizes] = steep[..., None] * at_size
        jacobian[..., walk + sizes : walk + 2 * sizes] = (factor * effect)[..., None] * at_other
        jacobian[..., walk + 2 * sizes :] = (at_any[:, :, None] * away[:, None]).reshape(len(mixes), -1)
        return result, jacobian

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See Curve."""
        mixes, which = self._split(weights)
        slope, exponent, faster, level, gain, drift = self._parts(theta)
        value = self.base.values(theta[:, : self.own], np.concatenate([mixes, self.centre[None]]))
        x = self.places[which]
        fall = np.expm1(-exponent[:, None] * x) / exponent[:, None]
        factor = np.exp(gain[:, which] - faster @ (x - self.places[self.root]).T)
        result = value[:, :-1] + (factor - 1) * (value[:, :-1] - value[:, -1:]) + theta[:, self.own, None]
        result += _steep(slope) * level[:, which] + np.einsum("pa,pna->pn", slope, fall)
        return result + np.einsum("pnd,nd->pn", drift[:, which], mixes - self.centre)

    def factors(self, theta: np.ndarray) -> np.ndarray:
        """(P, 1 + K) how many times as much mixes do at each size as at the asked one, which is the first."""
        _, _, faster, _, gain, _ = self._parts(theta)
        return np.exp(gain - gain[:, :1] - faster @ self.places.T)

    def prior(self, domains: int) -> Prior:
        """That of the base, weak ones on the curve over sizes, and the walks' steps."""
        own, axes, sizes, walk = self.base.prior(len(self.centre)), self.axes, self.sizes, self.walks
        first = self.own + np.arange(1 + 3 * axes)
        mean = [0.0] * (1 + axes) + [EXPONENT[0]] * axes + [0.0] * axes
        sd = [LEVEL] * (1 + axes) + [EXPONENT[1]] * axes + [FASTER] * axes
        index, level, steps = [first], [np.full(len(first), -1)], [np.array(sd)]
        for begin, root, size in ((walk, 0, self.wander.level), (walk + sizes, self.root, self.wander.gain)):
            parents, step = self._walk(root)
            place = np.insert(begin + np.arange(sizes), root, -1)  # by numbers
            others = np.delete(np.arange(1 + sizes), root)
            index.append(place[others])
            level.append(place[parents[others]])
            steps.append(size * step[others])
        width = len(self.centre)
        every = (walk + 2 * sizes + np.arange((1 + sizes) * width)).reshape(1 + sizes, width)
        step = np.where(parents < 0, self.wander.common, self.wander.domains * step)
        index.append(every.ravel())
        level.append(np.where(parents[:, None] < 0, -1, every[parents]).ravel())
        steps.append(np.repeat(step / self.spread, width))
        rest = np.concatenate(steps)
        return Prior(
            np.concatenate([own.index, *index]), np.concatenate([own.level, *level]),
            np.concatenate([own.mean, mean, np.zeros(len(rest) - len(mean))]), np.concatenate([own.sd, rest]),
        )  # fmt: skip

    def _walk(self, root: int) -> tuple[np.ndarray, np.ndarray]:
        """(1 + K,) each, by numbers: the next size on the way to the root, and √ of the way there."""
        parents, gaps = self.ladder.walk(root)
        return parents, np.sqrt(np.maximum(gaps, SHORTEST))

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """No walk, and no effect of size on what mixes do."""
        axes = self.axes
        walks = 2 * self.sizes + (1 + self.sizes) * len(self.centre)
        after = [0.0] + [1.0] * axes + [EXPONENT[0]] * axes + [0.0] * (axes + walks)
        return np.array([*self.base.start(len(self.centre), chosen), *after])

    def determined(self, weights: np.ndarray) -> int:
        """Each domain's worth, how it changes, and the levels."""
        return 2 * len(self.centre) + self.sizes

    def standard(self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean at the nearest size; the standard deviation over mixes within sizes, since the priors of a law over
        mixes are stated in that."""
        _, which = self._split(weights)
        at_size = (which[:, None] == self.numbers).astype(float)  # (n, K)
        total = np.maximum(rows @ at_size, 1e-300)
        means = (rows * scores) @ at_size / total
        within = rows * (scores - means[:, which - 1]) ** 2
        scale = np.sqrt(within.sum(axis=1) / rows.sum(axis=1)) + 1e-12
        return means[:, [self.ladder.nearest]], scale[:, None]

    def settled(self, parameters: np.ndarray, weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Parameters (P, …) whose levels are such that each size's mean prediction at weights (n, d + 1) is that of
        `wanted` (P, n). Level, slope and exponent bend together; a move along their slopes would leave the scores."""
        _, which = self._split(weights)
        counts = np.maximum(np.bincount(which, minlength=1 + self.sizes)[1:], 1)  # a size may have no runs yet
        at_size = (which[:, None] == self.numbers) / counts
        missed = ((wanted - self.predict(parameters, weights)) / parameters[:, 1:2]) @ at_size  # (P, K)
        steep = _steep(parameters[:, 2 + self.own + 1 : 2 + self.own + 1 + self.axes])
        settled = parameters.copy()
        first = 2 + self.walks
        settled[:, first : first + self.sizes] += missed / steep
        return settled

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind: the base's law, times what mixes do more at the asked size, plus what domains do there."""
        theta = parameters.reshape(-1, parameters.shape[-1])[:, 2:]
        _, _, faster, _, gain, drift = self._parts(theta)
        factor = np.exp(gain[:, 0] + faster @ self.places[self.root])
        centre = self.base.values(theta[:, : self.own], self.centre[None])[:, 0]
        level = (1 - factor) * centre + theta[:, self.own] - drift[:, 0] @ self.centre
        shape, own = parameters.shape[:-1], parameters[..., : 2 + self.own].copy()
        own[..., 0] += own[..., 1] * level.reshape(shape)
        more = own[..., 1:2] * drift[:, 0].reshape(*shape, -1)
        own[..., 1] *= factor.reshape(shape)
        of_base = self.base.at(own)

        def at(mix: np.ndarray) -> AtMix:
            known = of_base(mix)
            return AtMix(known.values + times(more, mix), known.slopes + more, known.bend)

        return at


def _steep(slope: np.ndarray) -> np.ndarray:
    """√(s² + s₀²) (P, 1) of slopes (P, p)."""
    return np.sqrt(slope.sum(axis=1, keepdims=True) ** 2 + LEAST_SLOPE**2)
