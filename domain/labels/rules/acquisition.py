"""Whom a customer brought along (S2-2, S4-7)."""

from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, customer
from domain.words import Words

_referrals = number_fact("referrals")

ACQUISITION = (
    LabelDefinition(
        bit=29,
        code="referrer",
        words=Words("推荐过新客户", "Brought a new customer"),
        family="acquisition",
        unit="customers",
        condition=_referrals >= 1,
        fits=(customer(referrals=1),),
        does_not_fit=(customer(referrals=0),),
    ),
    LabelDefinition(
        bit=30,
        code="frequent_referrer",
        words=Words("推荐达人（3位及以上）", "Brought three new customers or more"),
        family="acquisition",
        unit="customers",
        condition=_referrals >= 3,
        fits=(customer(referrals=3),),
        does_not_fit=(customer(referrals=2),),
    ),
)
