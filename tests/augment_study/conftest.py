"""Made-up verdicts of known quality: a subject is easy or hard for every arm, each training adds its own noise."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Table = Callable[..., pd.DataFrame]


def made_table(
    separation: dict[str, float],
    *,
    per_class: int = 40,
    splits: int = 3,
    seeds: int = 3,
    seed: int = 0,
    hardness: float = 1.0,
    noise: float = 0.3,
) -> pd.DataFrame:
    """Verdicts of each arm: log-odds of ``separation`` between the classes, plus hardness and noise; half tested."""
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * per_class) >= per_class
    ids = np.array([f"sub-{i:03d}" for i in range(2 * per_class)])
    subject = rng.normal(0, hardness, 2 * per_class)
    rows = []
    for split in range(1, splits + 1):
        judged = np.sort(
            np.r_[
                rng.permutation(per_class)[: 2 * per_class // 3],
                per_class + rng.permutation(per_class)[: 2 * per_class // 3],
            ]
        )
        for number in range(1, seeds + 1):
            for arm, apart in separation.items():
                logit = apart * (truth - 0.5) + subject + rng.normal(0, noise, 2 * per_class)
                p = 1 / (1 + np.exp(-logit[judged]))
                rows.append(
                    pd.DataFrame(
                        {
                            "network": "cnn3d",
                            "arm": arm,
                            "split": f"split{split}",
                            "seed": number,
                            "participant_id": ids[judged],
                            "truth": truth[judged].astype(int),
                            "probability": p,
                            "called": (p >= 0.5).astype(int),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="session")
def table() -> Table:
    return made_table
