"""Labels that follow from tiers; the best tier of four presets makes a VIP (section 6.1)."""

from domain.conditions.expression import AnyOf, HasLabel, TierIn
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, LabelRefresh, customer
from domain.words import Words

_KUAILV = "kuailv_grade"
_BEST = (
    (_KUAILV, "DIAMOND"),
    ("chuanwei_value", "HIGH"),
    ("wanxiang_value", "DIAMOND"),
    ("xiaoxiang_layer", "PLATINUM"),
)
_high_grade = TierIn(_KUAILV, ("DIAMOND", "PLATINUM"))

GRADE = (
    LabelDefinition(
        bit=38,
        code="is_vip",
        words=Words("VIP客户", "VIP"),
        family="tier",
        condition=AnyOf((*(TierIn(policy, (tier,)) for policy, tier in _BEST), HasLabel("vip_by_hand"))),
        fits=(
            *(customer(tiers={policy: tier}) for policy, tier in _BEST),
            customer(labels=("vip_by_hand",)),
        ),
        does_not_fit=(
            customer(tiers={_KUAILV: "PLATINUM"}),
            customer(tiers={"wanxiang_member": "DIAMOND"}),
            customer(),
        ),
    ),
    LabelDefinition(  # S0-23: diamond and platinum are the high-value customers
        bit=39,
        code="high_grade",
        words=Words("高价值等级（钻石或铂金）", "High grade: diamond or platinum"),
        family="tier",
        condition=_high_grade,
        fits=(customer(tiers={_KUAILV: "DIAMOND"}), customer(tiers={_KUAILV: "PLATINUM"})),
        does_not_fit=(customer(tiers={_KUAILV: "GOLD"}), customer()),
    ),
    LabelDefinition(  # S0-18: half of the recency points are gone
        bit=40,
        code="high_grade_silent_25d",
        words=Words("高价值客户25天未下单", "High grade without an order for 25 days"),
        family="tier",
        unit="days",
        refresh=LabelRefresh.DAILY,
        condition=_high_grade & (number_fact("days_since_last_order") >= 25),
        fits=(customer(tiers={_KUAILV: "PLATINUM"}, days_since_last_order=25),),
        does_not_fit=(
            customer(tiers={_KUAILV: "PLATINUM"}, days_since_last_order=24),
            customer(tiers={_KUAILV: "GOLD"}, days_since_last_order=25),
        ),
    ),
)
