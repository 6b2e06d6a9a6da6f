"""How the cost of a request grows with the resources in it: ``python -m tests.bench --scaling``.

One exponent for an ordinary chart, one for a chart of tacrolimus ordered, given and handed over anew every day for years.
"""

import math
from collections.abc import Callable
from datetime import date

from tests.bench.charts import request
from tests.bench.server import Server

SIZES = (100, 300, 1000, 3000, 10000, 20000)
"""Resources of a request."""

AIM = 1.12
"""The exponent by which the cost may grow."""

ROUNDS = 3
RESOURCES_A_ROUND = 20000
"""So many resources are sent in a round, in as many requests as that takes."""


def exponent(points: list[tuple[int, float]]) -> float:
    """The slope of the straight line through the points, both axes logarithmic."""
    xs, ys = [math.log(size) for size, _ in points], [math.log(cost) for _, cost in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def measure(service: Server, today: date, fresh: Callable[[bytes], Callable[[], bytes]]) -> bool:
    """Print the CPU time by size and the exponent for both kinds of chart; whether both exponents are within the aim."""
    met = True
    for name, daily in (("an ordinary chart", False), ("tacrolimus anew every day", True)):
        print(f"{name}\nresources      bytes   CPU ms")
        points: list[tuple[int, float]] = []
        for size in SIZES:
            body = request(size, today, daily=daily)
            count, text = max(2, RESOURCES_A_ROUND // size), fresh(body)
            cost = min(service.load(text, 1, count).cpu for _ in range(ROUNDS))
            points.append((size, cost))
            print(f"{size:>9}{len(body):>11}{cost:>9.2f}", flush=True)
        found = exponent(points)
        met = met and found <= AIM
        print(f"the cost grows with the exponent {found:.2f}, aim {AIM}: {'met' if found <= AIM else 'not met'}\n")
    return met
