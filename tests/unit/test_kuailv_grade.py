"""The grading of business customers, number by number."""

from fractions import Fraction

from domain.tiers.policy import TierRule
from domain.tiers.presets.kuailv_grade import HighMarginMode, kuailv_rule
from domain.tiers.standing import Standing, stand


def grade(
    days: int | None, orders: int, spend_cny: int, rule: TierRule | None = None, **more: int
) -> Standing:
    facts = {"days_since_last_order": days, "orders_90d": orders, "spend_90d": spend_cny * 100, **more}
    return stand(rule or kuailv_rule(), facts)


def code(standing: Standing) -> str | None:
    return standing.tier.code if standing.tier else None


def test_a_score_between_the_printed_bands_belongs_to_the_lower_grade() -> None:
    """S0-6: the printed table leaves 89 to 90 open; the cut decides."""
    standing = grade(0, 20, 66_633)

    assert standing.score == Fraction("89.9899")
    assert code(standing) == "PLATINUM"


def test_without_spend_gold_is_the_ceiling() -> None:
    """S0-7."""
    standing = grade(0, 10_000, 0)

    assert standing.score == 70
    assert code(standing) == "GOLD"


def test_fifty_silent_days_cap_the_score_at_seventy() -> None:
    """S0-7."""
    assert grade(50, 1_000, 10_000_000).score == 70
    assert grade(49, 1_000, 10_000_000).score == Fraction("70.6")


def test_diamond_with_full_recency_and_spend_needs_fifteen_orders() -> None:
    """S0-7."""
    assert code(grade(0, 14, 100_000)) == "PLATINUM"
    assert code(grade(0, 15, 100_000)) == "DIAMOND"


def test_ninety_silent_days_leave_a_score_of_zero_that_is_not_never_ordered() -> None:
    standing = grade(90, 0, 0)

    assert standing.score == 0
    assert code(standing) == "BRONZE"
    assert not standing.never_ordered


def test_the_weighted_high_margin_share_divides_by_the_new_total_of_weights() -> None:
    """S0-5: (72 + 0.2 * 25) / 1.2."""
    rule = kuailv_rule(HighMarginMode.WEIGHTED)

    standing = grade(10, 15, 60_000, rule, high_margin_spend_90d=1_000, line_spend_90d=4_000)

    assert standing.score == Fraction(77) / Fraction("1.2")
    assert code(standing) == "GOLD"


def test_the_high_margin_bonus_stops_at_one_hundred() -> None:
    """S0-5."""
    rule = kuailv_rule(HighMarginMode.BONUS_CAPPED)

    assert grade(10, 15, 60_000, rule, high_margin_spend_90d=3, line_spend_90d=4).score == 87
    assert grade(0, 20, 100_000, rule, high_margin_spend_90d=3, line_spend_90d=4).score == 100


def test_nothing_bought_means_no_high_margin_share() -> None:
    """S0-5: P is 0 where there is no spend."""
    rule = kuailv_rule(HighMarginMode.BONUS_CAPPED)

    standing = grade(0, 8, 0, rule, high_margin_spend_90d=0, line_spend_90d=0)

    assert standing.score == 46


def test_target_shares_add_up_to_the_whole_base() -> None:
    """S0-10."""
    assert sum(tier.target_share or 0 for tier in kuailv_rule().tiers) == 1
