"""The catalogue of labels, family by family. A new label takes the next free bit; a bit is never reused."""

from domain.labels.rule import LabelDefinition
from domain.labels.rules.acquisition import ACQUISITION
from domain.labels.rules.basket import BASKET
from domain.labels.rules.by_hand import BY_HAND
from domain.labels.rules.category import CATEGORY
from domain.labels.rules.channel import CHANNEL
from domain.labels.rules.frequency import FREQUENCY
from domain.labels.rules.grade import GRADE
from domain.labels.rules.lifecycle import LIFECYCLE
from domain.labels.rules.preference import PREFERENCE
from domain.labels.rules.recency import RECENCY
from domain.labels.rules.value import VALUE

LABELS: tuple[LabelDefinition, ...] = (
    *RECENCY,
    *VALUE,
    *FREQUENCY,
    *BASKET,
    *CHANNEL,
    *PREFERENCE,
    *ACQUISITION,
    *LIFECYCLE,
    *GRADE,
    *BY_HAND,
    *CATEGORY,
)
