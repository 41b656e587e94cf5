"""Which alerts a policy raises, and from which figure on (S0-10, S0-18, S4-15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.tiers.policy import TierRule
from domain.tiers.signal import REPEATED_FALLS
from domain.tiers.timing import DowngradeMode
from domain.watching.alert import GREATEST_SHIFT, MOST_DORMANT, WIDEST_GAP, AlertKind


@dataclass(frozen=True, slots=True)
class AlertRule:
    """`threshold` is in `unit`, None where the policy sets none. `is_on` False: nothing in the policy raises it."""

    threshold: Decimal | None
    unit: str
    is_on: bool
    words: str


def alert_rules(rule: TierRule) -> Mapping[AlertKind, AlertRule]:
    """Every kind, in the order in which they are shown. Words are Chinese."""
    timing = rule.timing
    falls = timing.downgrade is not DowngradeMode.NONE
    has_targets = any(tier.target_share is not None for tier in rule.tiers)
    has_silence = not all(rule.is_goal(tier) for tier in rule.tiers)
    return {
        AlertKind.TIER_SHARE_GAP: AlertRule(
            WIDEST_GAP, "share", has_targets, f"等级占比偏离目标超过 {WIDEST_GAP * 100:.0f} 个百分点"
        ),
        AlertKind.DORMANT_SHARE: AlertRule(
            MOST_DORMANT, "share", has_silence, f"最高沉默层占比超过 {MOST_DORMANT * 100:.0f}%"
        ),
        AlertKind.DISTRIBUTION_SHIFT: AlertRule(
            GREATEST_SHIFT, "index", True, f"等级分布与上月相比的稳定性指数超过 {GREATEST_SHIFT}"
        ),
        AlertKind.TOP_TIER_CHURN_RISK: churn_rule(rule),
        AlertKind.REPEATED_DOWNGRADE: AlertRule(
            Decimal(REPEATED_FALLS), "downgrades", falls, f"客户连续 {REPEATED_FALLS} 次降级"
        ),
        AlertKind.DOWNGRADE_WARNING: AlertRule(
            Decimal(timing.lower_reviews),
            "reviews",
            falls and timing.lower_reviews > 1,
            f"客户已不达标,连续 {timing.lower_reviews} 次评定不达标即降级",
        ),
    }


def churn_rule(rule: TierRule) -> AlertRule:
    days = rule.timing.silence_alarm_days
    if days is None:
        return AlertRule(None, "days", False, "高等级客户久未下单")
    lowest = next((tier for tier in rule.tiers if tier.rank >= rule.timing.silence_alarm_rank), None)
    name = lowest.name.zh if lowest else ""
    return AlertRule(Decimal(days), "days", lowest is not None, f"{name}及以上客户 {days} 天未下单")
