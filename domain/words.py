"""A sentence or a name in the two languages this product speaks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Chinese is the default of the product; English serves partners and operators abroad."""

    zh: str
    en: str

    def in_locale(self, locale: str) -> str:
        """The text for a BCP 47 tag; every tag that is not English gets Chinese."""
        return self.en if locale.lower().startswith("en") else self.zh
