"""What prices follow from: what a product costs the shop, and the offers of each member day."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("unit_cost_cents", sa.BigInteger()))
    op.create_table(
        "member_day_offers",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("per_customer_limit", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.product_id"], name="fk_member_day_offers_product_id_products"
        ),
        sa.PrimaryKeyConstraint("day", "product_id", name="pk_member_day_offers"),
        sa.CheckConstraint("percent BETWEEN 1 AND 99", name="ck_member_day_offers_percent"),
    )
