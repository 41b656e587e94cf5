"""The timing of a rule as JSON and back; what a stored document does not say is the default."""

from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any

from domain.errors import DomainError, ErrorCode
from domain.tiers.timing import (
    Cadence,
    DowngradeMode,
    ExpiryAnchor,
    LargeOrder,
    TierTiming,
    TierTrial,
    UpgradeTiming,
)

Json = dict[str, Any]

NAMES = {
    "cadence": "cadence",
    "qualification_days": "qualificationDays",
    "upgrade": "upgrade",
    "large_order": "largeOrder",
    "upper_reviews": "upperReviews",
    "downgrade": "downgrade",
    "lower_reviews": "lowerReviews",
    "margin_percent": "marginPercent",
    "validity_days": "validityDays",
    "expiry_anchor": "expiryAnchor",
    "grace_days": "graceDays",
    "trial": "trial",
    "silence_alarm_days": "silenceAlarmDays",
    "silence_alarm_rank": "silenceAlarmRank",
}


def timing_to_json(timing: TierTiming) -> Json:
    return {NAMES[field.name]: _value_to_json(getattr(timing, field.name)) for field in fields(timing)}


def timing_from_json(json: Json) -> TierTiming:
    """*Errors*: DomainError naming the first member that cannot be read."""
    values = {
        name: _read(name, json[member]) for name, member in NAMES.items() if json.get(member) is not None
    }
    return TierTiming(**values)


def _value_to_json(value: Any) -> Any:
    if isinstance(value, LargeOrder):
        return {"cents": value.cents, "timesOwnMean": value.times_own_mean}
    if isinstance(value, TierTrial):
        return {"days": value.days, "onceInDays": value.once_in_days}
    return value.value if isinstance(value, Enum) else value


def _large_order(json: Json) -> LargeOrder:
    return LargeOrder(cents=int(json["cents"]), times_own_mean=int(json["timesOwnMean"]))


def _trial(json: Json) -> TierTrial:
    return TierTrial(days=int(json["days"]), once_in_days=int(json["onceInDays"]))


READERS: dict[str, Callable[[Any], Any]] = {
    "cadence": Cadence,
    "upgrade": UpgradeTiming,
    "downgrade": DowngradeMode,
    "expiry_anchor": ExpiryAnchor,
    "large_order": _large_order,
    "trial": _trial,
}


def _read(name: str, value: Any) -> Any:
    try:
        return READERS.get(name, int)(value)
    except (TypeError, ValueError, KeyError) as error:
        field = NAMES[name]
        message = f"{value!r} is not a {field}: correct it"
        raise DomainError(ErrorCode.INVALID, message, ("timing", field)) from error
