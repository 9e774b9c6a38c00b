"""Rebates of the month by operator, with last month's for comparison."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.lib.days import local_day
from gateway_arq.dashboard.calls import change
from webcom import selectors


def figures() -> dict[str, Any]:
    """`month` and the one `before` (YYYY-MM), totals (euro), `operators` by falling cost."""
    today = local_day()
    month, before = f"{today:%Y-%m}", f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    now, then = _by_operator(month), _by_operator(before)
    names = sorted({*now, *then}, key=lambda name: (-now.get(name, 0), -then.get(name, 0), name))
    total, total_before = float(sum(now.values())), float(sum(then.values()))
    return {
        "month": month,
        "before": before,
        "total": total,
        "total_before": total_before,
        "change": change(total, total_before),
        "operators": [
            {
                "name": name,
                "cost": float(now.get(name, 0)),
                "before": float(then.get(name, 0)),
                "change": change(float(now.get(name, 0)), float(then.get(name, 0))),
            }
            for name in names
        ],
    }


def _by_operator(month: str) -> dict[str, Decimal]:
    """The month's rebates, whatever the type of line."""
    found: dict[str, Decimal] = {}
    record = selectors.rebates(month)
    for row in record.rebates if record else ():
        found[row.operator] = found.get(row.operator, Decimal(0)) + row.cost
    return found
