"""When each of the shipped policies decides; the sources leave most figures open (marked [P] where they are ours)."""

from domain.tiers.timing import (
    Cadence,
    DowngradeMode,
    ExpiryAnchor,
    LargeOrder,
    TierTiming,
    TierTrial,
    UpgradeTiming,
)

KUAILV_GRADE = TierTiming(
    cadence=Cadence.MONTHLY,  # S0-11
    qualification_days=90,
    upgrade=UpgradeTiming.AT_ONCE_ON_LARGE_ORDER,  # S0-12
    large_order=LargeOrder(cents=1_000_000, times_own_mean=3),
    downgrade=DowngradeMode.ONE_STEP,  # S0-18
    lower_reviews=2,
    trial=TierTrial(days=14, once_in_days=180),  # S0-17
    silence_alarm_days=25,
    silence_alarm_rank=4,
)
CHUANWEI_VALUE = TierTiming(
    cadence=Cadence.MONTHLY,  # S1-17: changes come naturally, in both directions
    qualification_days=365,
    upgrade=UpgradeTiming.AT_REVIEW,
    upper_reviews=2,
    downgrade=DowngradeMode.TO_RAW,
    lower_reviews=2,
    margin_percent=10,
)
WANXIANG_VALUE = TierTiming(cadence=Cadence.DAILY, qualification_days=30)  # S2-1: the trailing 30 days
WANXIANG_MEMBER = TierTiming(
    cadence=Cadence.ANNIVERSARY,  # S2-3: a level is kept to its anniversary
    qualification_days=365,
    upgrade=UpgradeTiming.AT_ONCE,
    downgrade=DowngradeMode.TO_RAW,
    validity_days=365,
    expiry_anchor=ExpiryAnchor.TIER_START,
)
XIAOXIANG_LAYER = TierTiming(
    cadence=Cadence.DAILY,  # S4-12: a buyer rises at once, everything else comes with the day
    qualification_days=36_500,  # S4-3: all orders ever
    upgrade=UpgradeTiming.AT_ONCE,
)
