"""Mixes that people take without a swarm: natural shares made more even, and as even as the epochs allow.

Sources: tempered shares, Conneau & Lample 2019 (arXiv 1901.07291; power 0.5 there, 0.3 in XLM-R, arXiv 1911.02116);
UniMax, Chung et al. 2023 (arXiv 2304.09151).
"""

import numpy as np


def tempered_mix(natural: np.ndarray, power: float) -> np.ndarray:
    """(n_domains,) shares in proportion to natural^power: 1 is `natural` (n_domains,), 0 gives every domain that has
    any tokens the same."""
    held = natural > 0
    shares = np.where(held, np.where(held, natural, 1.0) ** power, 0.0)
    return shares / shares.sum()


def unimax_mix(caps: np.ndarray) -> np.ndarray:
    """(n_domains,) the most even mix in which no weight exceeds its cap (n_domains,); caps are largest weights.

    Domains are filled up from the smallest cap. Each takes an even share of what is left, or its cap where that is
    less. Caps that sum to less than one are all reached, and the mix is in proportion to them.
    """
    mix, left = np.empty(len(caps)), 1.0
    order = np.argsort(caps, kind="stable")
    for filled, domain in enumerate(order):
        mix[domain] = min(float(caps[domain]), left / (len(caps) - filled))
        left -= mix[domain]
    return mix / mix.sum()
