"""The audit: who read or changed what, and for which purpose. Rows are only ever added."""

from collections.abc import Mapping
from typing import Any

from domain.privacy.viewer import Viewer

READ = """
INSERT INTO audit_log (customer_id, actor, role, purpose, action, object_kind, object_id, fields)
SELECT customer_id, $1, $2, $3, 'READ', 'PROFILE', NULL, string_to_array(fields, ',')
FROM unnest($4::bigint[], $5::text[]) AS opened (customer_id, fields)
"""
CHANGED = """
INSERT INTO audit_log (customer_id, actor, role, purpose, action, object_kind, object_id, fields)
VALUES ($1, $2, $3, $4, $5, $6, $7, '{}')
"""


async def record_opened(pool: Any, viewer: Viewer, opened: Mapping[int, frozenset[str]]) -> None:
    """One row a customer whose personal values were shown unmasked; holds the names of the fields only."""
    purpose = viewer.purpose.value if viewer.purpose else None
    fields = [",".join(sorted(names)) for names in opened.values()]
    await pool.execute(READ, viewer.subject, viewer.role.value, purpose, list(opened), fields)


async def record_changed(
    connection: Any,
    viewer: Viewer,
    *,
    customer_id: int | None,
    action: str,
    object_kind: str,
    object_id: str | None,
) -> None:
    """In the transaction of the change, so that neither is there without the other."""
    purpose = viewer.purpose.value if viewer.purpose else None
    who = (customer_id, viewer.subject, viewer.role.value, purpose)
    await connection.execute(CHANGED, *who, action, object_kind, object_id)
