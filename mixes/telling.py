"""Which of many offered mixes tell most beside those that were tried.

Laws are about linear in the roots of weights, since a domain's first percent does more to scores than a later one. So
what tried mixes say of a new one follows from the information matrix of their roots. Mixes are chosen one after the
other: those about which least is known (D-optimal design, Fedorov 1972, by its greedy form), or those that make scores
surest along given directions, such as from one likely optimum to another (A-optimal for these).
"""

import numpy as np

RIDGE = 1e-3  # information about a domain that no mix has: far less than any mix gives


def most_telling(offered: np.ndarray, tried: np.ndarray, count: int, between: np.ndarray | None = None) -> list[int]:
    """Places of `count` of the `offered` mixes (n, n_domains), the most telling first.

    tried: (m, n_domains); between: mixes (k, n_domains) among which scores are to be told apart; None: anywhere.
    """
    rows, known = np.sqrt(offered), np.sqrt(tried)
    information = RIDGE * np.eye(offered.shape[1]) + known.T @ known
    wanted = None
    if between is not None:
        apart = np.sqrt(between) - np.sqrt(between).mean(axis=0)
        wanted = apart.T @ apart
    chosen: list[int] = []
    while len(chosen) < count:
        solved = np.linalg.solve(information, rows.T).T  # (n, n_domains)
        gained = np.einsum("ij,ij->i", rows, solved)
        if wanted is not None:
            gained = np.einsum("ij,jk,ik->i", solved, wanted, solved) / (1 + gained)
        gained[chosen] = -1
        chosen.append(int(gained.argmax()))
        information += np.outer(rows[chosen[-1]], rows[chosen[-1]])
    return chosen
