"""The policies that ship with the product, one file each."""

from domain.tiers.policy import TierPolicy
from domain.tiers.presets.chuanwei_value import CHUANWEI_VALUE
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE
from domain.tiers.presets.wanxiang_member import WANXIANG_MEMBER
from domain.tiers.presets.wanxiang_value import WANXIANG_VALUE
from domain.tiers.presets.xiaoxiang_layer import XIAOXIANG_LAYER

# The place is the stored id of the policy: new ones are added at the end.
PRESETS: tuple[TierPolicy, ...] = (
    KUAILV_GRADE,
    CHUANWEI_VALUE,
    WANXIANG_VALUE,
    WANXIANG_MEMBER,
    XIAOXIANG_LAYER,
)
