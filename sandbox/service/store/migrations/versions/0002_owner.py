"""An index by the service that judges"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_index(op.f("ix_submissions_owner"), "submissions", ["owner"], unique=False)


def downgrade() -> None:
    """From it."""
    op.drop_index(op.f("ix_submissions_owner"), "submissions")
