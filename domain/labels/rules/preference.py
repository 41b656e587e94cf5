"""What kind of goods a customer prefers: shares of line amounts, with enough orders behind them (S3-5)."""

from fractions import Fraction

from domain.conditions.expression import share
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, customer
from domain.words import Words

_lines = number_fact("line_spend_180d")
_enough = number_fact("orders_180d") >= 3

PREFERENCE = (
    LabelDefinition(  # S0-9
        bit=26,
        code="high_margin_preference",
        words=Words("高毛利商品偏好", "Prefers high-margin products"),
        family="preference",
        unit="share",
        window_days=90,
        condition=share(
            number_fact("high_margin_spend_90d"), number_fact("line_spend_90d"), ">=", Fraction(30, 100)
        )
        & (number_fact("orders_90d") >= 3),
        fits=(customer(high_margin_spend_90d=30, line_spend_90d=100, orders_90d=3),),
        does_not_fit=(
            customer(high_margin_spend_90d=29, line_spend_90d=100, orders_90d=3),
            customer(high_margin_spend_90d=30, line_spend_90d=100, orders_90d=2),
            customer(high_margin_spend_90d=0, line_spend_90d=0, orders_90d=3),
        ),
    ),
    LabelDefinition(  # S3-4, S3-5
        bit=27,
        code="organic_preference",
        words=Words("有机偏好", "Prefers organic products"),
        family="preference",
        unit="share",
        window_days=180,
        condition=share(number_fact("organic_spend_180d"), _lines, ">=", Fraction(30, 100)) & _enough,
        fits=(customer(organic_spend_180d=30, line_spend_180d=100, orders_180d=3),),
        does_not_fit=(
            customer(organic_spend_180d=29, line_spend_180d=100, orders_180d=3),
            customer(organic_spend_180d=100, line_spend_180d=100, orders_180d=2),
        ),
    ),
    LabelDefinition(  # S3-4, S3-5
        bit=28,
        code="imported_preference",
        words=Words("进口偏好", "Prefers imported products"),
        family="preference",
        unit="share",
        window_days=180,
        condition=share(number_fact("imported_spend_180d"), _lines, ">=", Fraction(30, 100)) & _enough,
        fits=(customer(imported_spend_180d=30, line_spend_180d=100, orders_180d=3),),
        does_not_fit=(
            customer(imported_spend_180d=29, line_spend_180d=100, orders_180d=3),
            customer(imported_spend_180d=100, line_spend_180d=100, orders_180d=2),
        ),
    ),
)
