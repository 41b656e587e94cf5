"""Every table, in SQLAlchemy Core with typed columns. Import as `from db import tables as t`."""

from db.tables.alerts import alerts
from db.tables.customers import (
    communities,
    customer_refs,
    customers,
    identities,
    referrals,
    shop,
    source_records,
    sources,
)
from db.tables.facts import FACT_COLUMNS, customer_facts
from db.tables.labels import label_changes, label_definitions, manual_labels
from db.tables.machinery import (
    audit_log,
    dirty_customers,
    dirty_graph_keys,
    idempotency_keys,
    import_runs,
    ingested_events,
    job_runs,
    outbox,
)
from db.tables.metadata import metadata
from db.tables.notices import feed_positions, notices
from db.tables.orders import categories, category_days, order_lines, orders, products
from db.tables.pricing import member_day_offers
from db.tables.standings import LABEL_BYTES, customer_standings
from db.tables.tiers import (
    tier_canary_groups,
    tier_policies,
    tier_policy_canaries,
    tier_policy_previews,
    tier_policy_versions,
    tier_rankings,
    tier_signals,
    tier_standings,
    tier_transitions,
    tiers,
)

__all__ = [
    "FACT_COLUMNS",
    "LABEL_BYTES",
    "alerts",
    "audit_log",
    "categories",
    "category_days",
    "communities",
    "customer_facts",
    "customer_refs",
    "customer_standings",
    "customers",
    "dirty_customers",
    "dirty_graph_keys",
    "feed_positions",
    "idempotency_keys",
    "identities",
    "import_runs",
    "ingested_events",
    "job_runs",
    "label_changes",
    "label_definitions",
    "manual_labels",
    "member_day_offers",
    "metadata",
    "notices",
    "order_lines",
    "orders",
    "outbox",
    "products",
    "referrals",
    "shop",
    "source_records",
    "sources",
    "tier_canary_groups",
    "tier_policies",
    "tier_policy_canaries",
    "tier_policy_previews",
    "tier_policy_versions",
    "tier_rankings",
    "tier_signals",
    "tier_standings",
    "tier_transitions",
    "tiers",
]
