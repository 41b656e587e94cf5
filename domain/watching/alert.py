"""What an alert is about, how much it matters, and what its words are (S0-10, S4-15)."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from domain.tiers.signal import REPEATED_FALLS, SignalKind

WIDEST_GAP = Decimal("0.05")
"""Of a share from what is aimed at (S0-10)."""
MOST_DORMANT = Decimal("0.15")
"""Of those who hold a tier, in the highest layer of silence (S4-15)."""
GREATEST_SHIFT = Decimal("0.2")
"""Of the stability index within a month (S4-15)."""


class AlertKind(StrEnum):
    """Of a policy: TIER_SHARE_GAP, DORMANT_SHARE, DISTRIBUTION_SHIFT. The others are of a customer under a policy."""

    TIER_SHARE_GAP = "TIER_SHARE_GAP"
    DORMANT_SHARE = "DORMANT_SHARE"
    DISTRIBUTION_SHIFT = "DISTRIBUTION_SHIFT"
    TOP_TIER_CHURN_RISK = "TOP_TIER_CHURN_RISK"
    REPEATED_DOWNGRADE = "REPEATED_DOWNGRADE"
    DOWNGRADE_WARNING = "DOWNGRADE_WARNING"


class AlertSeverity(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AlertStatus(StrEnum):
    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


SEVERITY: Mapping[AlertKind, AlertSeverity] = {
    AlertKind.TIER_SHARE_GAP: AlertSeverity.WARNING,
    AlertKind.DORMANT_SHARE: AlertSeverity.WARNING,
    AlertKind.DISTRIBUTION_SHIFT: AlertSeverity.WARNING,
    AlertKind.TOP_TIER_CHURN_RISK: AlertSeverity.CRITICAL,
    AlertKind.REPEATED_DOWNGRADE: AlertSeverity.WARNING,
    AlertKind.DOWNGRADE_WARNING: AlertSeverity.INFO,
}
OF_SIGNAL: Mapping[SignalKind, AlertKind] = {
    SignalKind.CHURN_RISK: AlertKind.TOP_TIER_CHURN_RISK,
    SignalKind.REPEATED_DOWNGRADE: AlertKind.REPEATED_DOWNGRADE,
    SignalKind.DOWNGRADE_WARNING: AlertKind.DOWNGRADE_WARNING,
}
"""Signals that are alerts, too: whoever is nearly in the next tier is good news."""


def words_of(kind: AlertKind, tier: str, observed: Decimal | None) -> str:
    """In Chinese; `tier` is its published name, `observed` a share 0..1 or an index."""
    percent = "" if observed is None else f"{observed * 100:.1f}%"
    match kind:
        case AlertKind.TIER_SHARE_GAP:
            return f"{tier}占比 {percent},偏离目标超过 {WIDEST_GAP * 100:.0f} 个百分点"
        case AlertKind.DORMANT_SHARE:
            return f"{tier}占比 {percent},超过 {MOST_DORMANT * 100:.0f}%"
        case AlertKind.DISTRIBUTION_SHIFT:
            return f"等级分布与上月相比明显变化,稳定性指数 {observed}"
        case AlertKind.TOP_TIER_CHURN_RISK:
            return f"{tier}客户久未下单,有流失风险"
        case AlertKind.REPEATED_DOWNGRADE:
            return f"客户连续 {REPEATED_FALLS} 次降级,现为{tier}"
        case AlertKind.DOWNGRADE_WARNING:
            return f"{tier}客户已不达标,下次评定可能降级"
