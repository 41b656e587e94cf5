"""Who the customers are: profile, source records, identities, referrals, communities.

Personal columns hold AES-256-GCM ciphers under the customer's `data_key`; destroying that key erases them.
Tables of a customer begin their key with `customer_id`, so that they distribute by it as they stand.
Directories (`customer_refs`) find the customer of an outside id and are keyed by that id.
"""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    func,
)

from db.tables.metadata import MOMENT, metadata


class ShopColumns(TypedColumns):
    """The retailer: one row."""

    shop_id: Named[int] = Column(SmallInteger, primary_key=True, autoincrement=False)
    name: Named[str] = Column(Text)
    currency_code: Named[str] = Column(Text)
    time_zone: Named[str] = Column(Text)
    primary_policy: Named[str] = Column(Text)
    live_as_of: Named[datetime] = Column(MOMENT)
    """Live facts, standings and labels are as of this moment; the nightly run moves it on."""


class SourceColumns(TypedColumns):
    """Where records come from, such as a till system or a file."""

    source_id: Named[int] = Column(Integer, Identity(), primary_key=True)
    code: Named[str] = Column(Text, unique=True)
    words: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    last_received_at: Named[datetime | None] = Column(MOMENT)


class CustomerColumns(TypedColumns):
    """One row a customer; the typed profile is part of it."""

    customer_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    kind: Named[str] = Column(Text)
    registered_at: Named[datetime] = Column(MOMENT)
    registration_channel: Named[str | None] = Column(Text)
    city: Named[str | None] = Column(Text)
    community_id: Named[int | None] = Column(BigInteger)
    data_key: Named[bytes | None] = Column(LargeBinary)
    """The customer's own key, wrapped by the key-encryption key; null after erasure."""
    name: Named[bytes | None] = Column(LargeBinary)
    phone: Named[bytes | None] = Column(LargeBinary)
    email: Named[bytes | None] = Column(LargeBinary)
    version: Named[int] = Column(BigInteger, server_default="1")
    """Moves with every change of what the API shows about the customer."""
    changed_at: Named[datetime] = Column(MOMENT, server_default=func.now())


class CustomerRefColumns(TypedColumns):
    """Directory: which customer an id of a source names.

    Sources are never deleted, and whoever writes here holds the source: a foreign key would only look it up again
    for every row of an import.
    """

    source_id: Named[int] = Column(Integer, primary_key=True)
    external_id: Named[str] = Column(Text, primary_key=True)
    customer_id: Named[int] = Column(BigInteger)


class SourceRecordColumns(TypedColumns):
    """What a source said about a customer, as received; `raw` is sealed JSON under the customer's key."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    source_id: Named[int] = Column(Integer, primary_key=True)
    external_id: Named[str] = Column(Text, primary_key=True)
    received_at: Named[datetime] = Column(MOMENT)
    stated_at: Named[datetime | None] = Column(MOMENT)
    """When the newest event about the profile happened; an older one that arrives later changes nothing."""
    raw: Named[bytes | None] = Column(LargeBinary)
    flags: Named[list[str]] = Column(ARRAY(Text))
    """What cleaning found, such as PHONE_INVALID. [S3-2]"""


class IdentityColumns(TypedColumns):
    """What a customer can be recognised by, as a keyed hash (blind index). [S3-3]"""

    customer_id: Named[int] = Column(BigInteger, primary_key=True)
    namespace: Named[str] = Column(Text, primary_key=True)
    value_hash: Named[bytes] = Column(LargeBinary, primary_key=True)
    source_id: Named[int] = Column(Integer)
    first_seen_at: Named[datetime] = Column(MOMENT)
    last_seen_at: Named[datetime] = Column(MOMENT)


class ReferralColumns(TypedColumns):
    """Who brought a customer."""

    customer_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    referrer_id: Named[int] = Column(BigInteger, index=True)
    referred_at: Named[datetime] = Column(MOMENT)


class CommunityColumns(TypedColumns):
    """A housing estate that buys together, led by a 团长."""

    community_id: Named[int] = Column(BigInteger, Identity(), primary_key=True)
    source_id: Named[int] = Column(Integer, ForeignKey("sources.source_id"))
    external_id: Named[str] = Column(Text)
    name: Named[str] = Column(Text)
    city: Named[str] = Column(Text)
    leader_customer_id: Named[int | None] = Column(BigInteger, index=True)


shop = Table("shop", metadata, ShopColumns, CheckConstraint("shop_id = 1", name="one_row"))
sources = Table("sources", metadata, SourceColumns)
customers = Table(
    "customers",
    metadata,
    CustomerColumns,
    CheckConstraint("kind IN ('HOUSEHOLD', 'BUSINESS')", name="kind"),
    Index("ix_customers_registered_at_customer_id", "registered_at", "customer_id"),
    Index("ix_customers_community_id_customer_id", "community_id", "customer_id"),
    Index("ix_customers_city_customer_id", "city", "customer_id"),
    postgresql_with={"fillfactor": 50},
)
"""Half of each page is left free: `version` moves with every change, and a row that finds room on its page for its
new version needs no new entry in any index. An import moves all of them, once."""
customer_refs = Table("customer_refs", metadata, CustomerRefColumns, Index(None, "customer_id"))
source_records = Table("source_records", metadata, SourceRecordColumns)
identities = Table("identities", metadata, IdentityColumns, Index(None, "namespace", "value_hash"))
referrals = Table("referrals", metadata, ReferralColumns)
communities = Table("communities", metadata, CommunityColumns, UniqueConstraint("source_id", "external_id"))
