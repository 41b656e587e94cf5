"""Label definitions, the log of who gained and lost them, and labels given by hand."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    LargeBinary,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.metadata import MOMENT, metadata


class LabelDefinitionColumns(TypedColumns):
    """`label_id` is the bit of the label in `customer_standings.label_bits`; never reused."""

    label_id: Named[int] = Column(SmallInteger, primary_key=True, autoincrement=False)
    code: Named[str] = Column(Text, unique=True)
    family: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    words_zh: Named[str] = Column(Text)
    words_en: Named[str] = Column(Text)
    unit: Named[str | None] = Column(Text)
    window_days: Named[int | None] = Column(SmallInteger)
    refresh: Named[str] = Column(Text)
    sensitivity: Named[str] = Column(Text)
    owner: Named[str] = Column(Text)
    rule: Named[dict[str, Any] | None] = Column(JSONB)
    """The condition as JSON; null: given by hand."""
    retired_at: Named[datetime | None] = Column(MOMENT)


class LabelChangeColumns(TypedColumns):
    """Somebody entered or left a label. A first load writes none: then `enteredAt` is the load's time."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    change_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    label_id: Named[int] = Column(SmallInteger)
    entered: Named[bool] = Column(Boolean)
    as_of: Named[datetime] = Column(MOMENT)
    changed_at: Named[datetime] = Column(MOMENT)


class ManualLabelColumns(TypedColumns):
    """A label given by a person; survives recalculation. [S4-8]"""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    manual_label_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    label_id: Named[int] = Column(SmallInteger)
    author: Named[str] = Column(Text)
    note: Named[bytes | None] = Column(LargeBinary)
    given_at: Named[datetime] = Column(MOMENT)
    expires_at: Named[datetime | None] = Column(MOMENT)
    removed_at: Named[datetime | None] = Column(MOMENT)


label_definitions = Table("label_definitions", metadata, LabelDefinitionColumns)
label_changes = Table("label_changes", metadata, LabelChangeColumns)
manual_labels = Table("manual_labels", metadata, ManualLabelColumns)
