"""What ties customers together once all of a file are in: referrals, communities, their leaders."""

import asyncpg

from db.import_batches import Applied
from db.import_checks import GOOD
from db.import_marks import mark_customers, mark_graph
from db.import_orders import when_different
from domain.ingest.cleaning import COMMUNITY_UNKNOWN, REFERRER_UNKNOWN
from domain.ingest.mapping import Section

LINKED = "import_linked"


async def link_customers(
    connection: asyncpg.Connection, checked: str, section: Section, *, source_id: int
) -> dict[str, int]:
    """Counts of warnings by flag. A link that cannot be made is flagged in the source record, no more."""
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {LINKED} (customer_id bigint)")
    await connection.execute(f"TRUNCATE {LINKED}")
    warnings = {}
    if "referred_by" in section.origins:
        await connection.execute(refer(checked, source_id))
        warnings[REFERRER_UNKNOWN] = await flag(
            connection, unknown_referrers(checked, source_id), REFERRER_UNKNOWN, source_id
        )
    if "community" in section.origins:
        await connection.execute(join_communities(checked, source_id))
        warnings[COMMUNITY_UNKNOWN] = await flag(
            connection, unknown_communities(checked, source_id), COMMUNITY_UNKNOWN, source_id
        )
    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {LINKED})"):
        await mark_customers(connection, LINKED)
    return warnings


def told(checked: str, column: str, source_id: int) -> str:
    return f"""
        SELECT r.customer_id, c.{column}, c.registered_at FROM {checked} c
        JOIN customer_refs r ON r.source_id = {source_id} AND r.external_id = c.external_id
        WHERE {GOOD} AND c.{column} IS NOT NULL
    """


def refer(checked: str, source_id: int) -> str:
    return f"""
        WITH merged AS (
            MERGE INTO referrals f USING (
                SELECT t.customer_id, r.customer_id AS referrer_id, k.registered_at
                FROM ({told(checked, "referred_by", source_id)}) t
                JOIN customer_refs r ON r.source_id = {source_id} AND r.external_id = t.referred_by
                JOIN customers k ON k.customer_id = t.customer_id
                WHERE r.customer_id <> t.customer_id
            ) c ON f.customer_id = c.customer_id
            WHEN MATCHED AND f.referrer_id <> c.referrer_id THEN UPDATE SET referrer_id = c.referrer_id
            WHEN NOT MATCHED THEN INSERT (customer_id, referrer_id, referred_at)
                VALUES (c.customer_id, c.referrer_id, c.registered_at)
            RETURNING f.customer_id, old.referrer_id AS before, new.referrer_id AS after
        )
        INSERT INTO {LINKED}
        SELECT v.id FROM merged, LATERAL (VALUES (customer_id), (before), (after)) v (id) WHERE v.id IS NOT NULL
    """


def unknown_referrers(checked: str, source_id: int) -> str:
    return f"""
        SELECT t.customer_id FROM ({told(checked, "referred_by", source_id)}) t
        LEFT JOIN customer_refs r ON r.source_id = {source_id} AND r.external_id = t.referred_by
        WHERE r.customer_id IS NULL OR r.customer_id = t.customer_id
    """


def join_communities(checked: str, source_id: int) -> str:
    return f"""
        WITH joined AS (
            UPDATE customers k SET community_id = m.community_id
            FROM ({told(checked, "community", source_id)}) t
            JOIN communities m ON m.source_id = {source_id} AND m.external_id = t.community
            WHERE k.customer_id = t.customer_id AND k.community_id IS DISTINCT FROM m.community_id
            RETURNING k.customer_id
        )
        INSERT INTO {LINKED} SELECT customer_id FROM joined
    """


def unknown_communities(checked: str, source_id: int) -> str:
    return f"""
        SELECT t.customer_id FROM ({told(checked, "community", source_id)}) t
        WHERE NOT EXISTS (
            SELECT FROM communities m WHERE m.source_id = {source_id} AND m.external_id = t.community
        )
    """


async def flag(connection: asyncpg.Connection, customers: str, name: str, source_id: int) -> int:
    """Sets the flag where it is missing; how many have it."""
    await connection.execute(
        f"""
        UPDATE source_records s SET flags = array_append(s.flags, '{name}')
        FROM ({customers}) c
        WHERE s.customer_id = c.customer_id AND s.source_id = {source_id} AND NOT '{name}' = ANY (s.flags)
        """
    )
    return int(await connection.fetchval(f"SELECT count(*) FROM ({customers}) c"))


async def apply_communities(
    connection: asyncpg.Connection, checked: str, section: Section, *, source_id: int
) -> Applied:
    """Their leaders must be customers by now."""
    await connection.execute("DROP TABLE IF EXISTS import_communities")
    await connection.execute(
        "CREATE TEMP TABLE import_communities (community_id bigint, leader_id bigint, action text) ON COMMIT DROP"
    )
    await connection.execute(merge_communities(checked, section, source_id))
    await mark_graph(connection, "COMMUNITY", "SELECT community_id AS key FROM import_communities")
    leaders = "(SELECT leader_id AS customer_id FROM import_communities WHERE leader_id IS NOT NULL)"
    await mark_customers(connection, leaders)
    counts = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE action = 'INSERT'), count(*) FILTER (WHERE action = 'UPDATE')"
        " FROM import_communities"
    )
    new, changed = counts or (0, 0)
    return Applied(new, changed)


COMMUNITY_VALUES = {
    "name": ("name", "coalesce(c.name, c.external_id)"),
    "city": ("city", "coalesce(c.city, '')"),
    "leader_external_id": ("leader_customer_id", "c.leader_customer_id"),
}


def merge_communities(checked: str, section: Section, source_id: int) -> str:
    columns, values = zip(*COMMUNITY_VALUES.values(), strict=True)
    return f"""
        WITH merged AS (
            MERGE INTO communities m USING (
                SELECT c.*, r.customer_id AS leader_customer_id FROM {checked} c LEFT JOIN customer_refs r
                ON r.source_id = {source_id} AND r.external_id = c.leader_external_id
                WHERE {GOOD}
            ) c ON m.community_id = c.community_id
            {when_different(COMMUNITY_VALUES, section, "m")}
            WHEN NOT MATCHED THEN INSERT (source_id, external_id, {", ".join(columns)})
                VALUES ({source_id}, c.external_id, {", ".join(values)})
            RETURNING new.community_id, new.leader_customer_id, merge_action() AS action
        )
        INSERT INTO import_communities SELECT community_id, leader_customer_id, action FROM merged
    """
