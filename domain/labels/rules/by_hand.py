"""Labels that people give: nothing computes them (S4-7, S4-8)."""

from domain.labels.rule import LabelDefinition, LabelKind, PrivacyClass
from domain.words import Words


def _by_hand(bit: int, code: str, words: Words, sensitivity: PrivacyClass) -> LabelDefinition:
    return LabelDefinition(
        bit=bit,
        code=code,
        words=words,
        family="manual",
        kind=LabelKind.MANUAL,
        sensitivity=sensitivity,
        condition=None,
        fits=(),
        does_not_fit=(),
    )


BY_HAND = (
    _by_hand(41, "vip_by_hand", Words("人工VIP客户", "VIP by hand"), PrivacyClass.INTERNAL),
    _by_hand(42, "family_household", Words("家庭用户", "Family"), PrivacyClass.PERSONAL),
    _by_hand(43, "elderly_household", Words("老年用户", "Elderly"), PrivacyClass.PERSONAL),
    _by_hand(44, "office_worker", Words("上班族", "Office worker"), PrivacyClass.PERSONAL),
)
