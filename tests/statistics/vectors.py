"""
What SciPy and Evidently say of samples that both sides make alike: numbers of a small generator, so that only answers have to be kept.

    python -m venv venv
    venv/bin/pip install evidently==0.7.23 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3
    venv/bin/python tests/statistics/vectors.py > tests/statistics/vectors.json
"""
import json
import sys
import warnings

import evidently
import numpy as np
import pandas as pd
import scipy
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from scipy import stats

warnings.simplefilter("ignore")


def mulberry32(seed):
    """Uniform over [0, 1) in steps of 2^-32."""
    state = seed & 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        yield ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296


def sample(shape, count, seed, shift):
    draw = mulberry32(seed)
    values = []
    for _ in range(count):
        bell = next(draw) + next(draw) + next(draw) + next(draw) - 2
        if shape == "bell":
            values.append(bell + shift)
        elif shape == "grid":
            values.append(float(np.floor((bell + shift) * 8) / 8))
        elif shape == "heavy":
            values.append(bell / (abs(bell + 0.25) + 0.001) + shift)
        elif shape == "whole":
            values.append(int(np.floor((bell + shift) * 40)))
        elif shape == "constant":
            values.append(1.5 + shift)
        elif shape == "two":
            values.append("no" if bell < shift else "yes")
        else:
            values.append("abcdefgh"[int(min(7, max(0, np.floor((bell + shift) * 3 + 4))))])
    return values


numeric = ("bell", "grid", "heavy", "whole", "constant")
cases = []
sizes = [(1, 1), (2, 5), (7, 7), (20, 33), (80, 80), (100, 300), (500, 501), (1000, 1000), (1200, 900), (3000, 5000)]
large = [(12000, 30), (30, 12000), (12000, 150), (11000, 400), (15000, 14000), (20000, 20000), (10001, 2)]
seed = 1
for shape in (*numeric, "two", "eight"):
    for n, m in sizes + (large if shape in ("bell", "grid") else []):
        for shift in (0, 0.05, 0.4):
            if max(n, m) > 10_000 and shift == 0.4 and shape == "grid":
                continue
            seed += 2
            a, b = sample(shape, n, seed, 0), sample(shape, m, seed + 1, shift)
            case = {"shape": shape, "n": n, "m": m, "seed": seed, "shift": shift}
            if shape in numeric:
                found = stats.ks_2samp(a, b)
                case["ks"] = [found.statistic, found.pvalue]
                case["wasserstein"] = stats.wasserstein_distance(a, b)
            else:
                keys = sorted({*a, *b})
                table = [[side.count(key) for key in keys] for side in (a, b)]
                found = stats.chi2_contingency(table)
                case["chi2"] = [found.statistic, found.pvalue, found.dof]
            kind = ColumnType.Numerical if shape in numeric else ColumnType.Categorical
            reference, current = pd.Series(a), pd.Series(b)
            own = get_stattest(reference, current, kind, None)
            case["method"] = own.name
            case["evidently"] = {}
            names = {own.name, "psi", "jensenshannon", "kl_div"}
            names |= {"wasserstein", "ks"} if shape in numeric else {"chisquare"}
            if shape == "two":
                names.add("z")
            for name in sorted(names):
                test = own if name == own.name else get_stattest(reference, current, kind, name)
                answer = test(reference, current, kind, None)
                case["evidently"][name] = [float(answer.drift_score), bool(answer.drifted)]
            cases.append(case)

kstwo = [
    [n, x, float(stats.kstwo.sf(x, n))]
    for n in (1, 2, 3, 5, 10, 29, 100, 140, 141, 500, 2000, 30000, 100000, 2000000)
    for z in (0.05, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 1.9, 2.3, 3.2)
    for x in (round(z / n**0.5, 6),)
    if 0 < x < 1
]
chances = [0.001, 0.04, 0.02, 0.5, 0.0001, 0.9, 0.02, 0.3]
discovery = [float(p) for p in stats.false_discovery_control(chances)]
clean = lambda value: None if isinstance(value, float) and not np.isfinite(value) else value
json.dump(
    {
        "made by": f"evidently {evidently.__version__}, scipy {scipy.__version__}, numpy {np.__version__}",
        "kstwo": kstwo,
        "discovery": {"chances": chances, "adjusted": discovery},
        "cases": json.loads(json.dumps(cases), parse_constant=lambda _: None),
    },
    sys.stdout,
)
