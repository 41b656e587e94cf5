"""Which alerts the shipped policies raise, and from which figure on."""

from decimal import Decimal

import pytest

from domain.tiers.presets import PRESETS
from domain.watching import alert
from domain.watching.alert import AlertKind, words_of
from domain.watching.rules import AlertRule, alert_rules

RULES = {preset.code: alert_rules(preset.versions[-1].rule) for preset in PRESETS}
ON = {
    "kuailv_grade": "TIER_SHARE_GAP DISTRIBUTION_SHIFT TOP_TIER_CHURN_RISK REPEATED_DOWNGRADE DOWNGRADE_WARNING",
    "chuanwei_value": "DISTRIBUTION_SHIFT REPEATED_DOWNGRADE DOWNGRADE_WARNING",
    "wanxiang_value": "DISTRIBUTION_SHIFT REPEATED_DOWNGRADE",
    "wanxiang_member": "DISTRIBUTION_SHIFT REPEATED_DOWNGRADE",
    "xiaoxiang_layer": "TIER_SHARE_GAP DORMANT_SHARE DISTRIBUTION_SHIFT REPEATED_DOWNGRADE",
}


@pytest.mark.parametrize("code", RULES)
def test_a_policy_raises_what_its_rule_asks_for(code: str) -> None:
    assert " ".join(kind for kind, rule in RULES[code].items() if rule.is_on) == ON[code]


@pytest.mark.parametrize("code", RULES)
def test_every_kind_is_listed_in_the_order_of_its_enum(code: str) -> None:
    assert list(RULES[code]) == list(AlertKind)


def test_figures_are_those_of_the_rule() -> None:
    """S0-10: 5 points; S0-18: 25 days from platinum up, two falls, two reviews."""
    rules = RULES["kuailv_grade"]

    assert rules[AlertKind.TIER_SHARE_GAP] == AlertRule(
        Decimal("0.05"), "share", True, "等级占比偏离目标超过 5 个百分点"
    )
    assert rules[AlertKind.TOP_TIER_CHURN_RISK] == AlertRule(
        Decimal(25), "days", True, "铂金及以上客户 25 天未下单"
    )
    assert rules[AlertKind.REPEATED_DOWNGRADE].threshold == Decimal(2)
    assert (rules[AlertKind.DOWNGRADE_WARNING].threshold, rules[AlertKind.DOWNGRADE_WARNING].unit) == (
        Decimal(2),
        "reviews",
    )


def test_a_policy_without_a_silence_names_no_figure() -> None:
    assert RULES["xiaoxiang_layer"][AlertKind.TOP_TIER_CHURN_RISK] == AlertRule(
        None, "days", False, "高等级客户久未下单"
    )


def test_an_alert_says_the_figures_of_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [AlertKind.TIER_SHARE_GAP, AlertKind.DORMANT_SHARE]
    before = [words_of(kind, "黄金", Decimal("0.66")) for kind in shares]
    monkeypatch.setattr(alert, "WIDEST_GAP", Decimal("0.07"))
    monkeypatch.setattr(alert, "MOST_DORMANT", Decimal("0.3"))
    monkeypatch.setattr(alert, "REPEATED_FALLS", 3)

    after = [words_of(kind, "黄金", Decimal("0.66")) for kind in shares]

    assert before == ["黄金占比 66.0%,偏离目标超过 5 个百分点", "黄金占比 66.0%,超过 15%"]
    assert after == ["黄金占比 66.0%,偏离目标超过 7 个百分点", "黄金占比 66.0%,超过 30%"]
    assert words_of(AlertKind.REPEATED_DOWNGRADE, "黄金", None) == "客户连续 3 次降级,现为黄金"


def test_words_hold_the_figures() -> None:
    words = [rule.words for rule in RULES["xiaoxiang_layer"].values()]

    assert words == [
        "等级占比偏离目标超过 5 个百分点",
        "最高沉默层占比超过 15%",
        "等级分布与上月相比的稳定性指数超过 0.2",
        "高等级客户久未下单",
        "客户连续 2 次降级",
        "客户已不达标,连续 1 次评定不达标即降级",
    ]
