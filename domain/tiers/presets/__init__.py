"""The policies that ship with the product, one file each."""

from domain.tiers.policy import TierPolicy
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE

# The place is the stored id of the policy: new ones are added at the end.
PRESETS: tuple[TierPolicy, ...] = (KUAILV_GRADE,)
