"""Federation, and what came with it; written from the models by tools/migration.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go from 0001 to 0002."""
    op.create_table(
        "federation_trips",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_federation_trips")),
    )
    with op.batch_alter_table("federation_trips", schema=None) as batch_op:
        batch_op.create_index("ix_federation_trips_expires", ["expires_at"], unique=False)

    op.create_table(
        "iam_saml_providers",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("provider_id", sa.String(length=32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("encryption", sa.String(length=8), nullable=False),
        sa.Column("sealed_keys", sa.LargeBinary(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_iam_saml_providers")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_iam_saml_providers_provider_id")),
    )
    op.create_table(
        "identity_provider_documents",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("pool_id", "provider", "kind", name=op.f("pk_identity_provider_documents")),
    )
    with op.batch_alter_table("identity_provider_documents", schema=None) as batch_op:
        batch_op.create_index("ix_identity_provider_documents_due", ["due_at"], unique=False)

    op.create_table(
        "identity_provider_identifiers",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("identifier", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "identifier", name=op.f("pk_identity_provider_identifiers")),
    )
    op.create_table(
        "identity_providers",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("identifiers", sa.Text(), nullable=False),
        sa.Column("acr_mapping", sa.Text(), nullable=False),
        sa.Column("own", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "name", name=op.f("pk_identity_providers")),
    )
    with op.batch_alter_table("identity_providers", schema=None) as batch_op:
        batch_op.create_index("ix_identity_providers_type", ["pool_id", "type", "name"], unique=False)

    op.create_table(
        "linked_identities",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("attribute", sa.String(length=512), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("sub", sa.String(length=36), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "provider", "attribute", "digest", name=op.f("pk_linked_identities")),
    )
    with op.batch_alter_table("linked_identities", schema=None) as batch_op:
        batch_op.create_index("ix_linked_identities_sub", ["pool_id", "sub"], unique=False)

    op.create_table(
        "saml_keys",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("active_from", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("pool_id", "id", name=op.f("pk_saml_keys")),
    )
    op.create_table(
        "saml_logouts",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_saml_logouts")),
    )
    with op.batch_alter_table("saml_logouts", schema=None) as batch_op:
        batch_op.create_index("ix_saml_logouts_expires", ["expires_at"], unique=False)

    op.create_table(
        "saml_name_keys",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", name=op.f("pk_saml_name_keys")),
    )
    op.create_table(
        "saml_participants",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("browser_session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("sub", sa.String(length=36), nullable=False),
        sa.Column("session_index", sa.String(length=64), nullable=False),
        sa.Column("name_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "browser_session", "client_id", name=op.f("pk_saml_participants")),
    )
    with op.batch_alter_table("saml_participants", schema=None) as batch_op:
        batch_op.create_index("ix_saml_participants_expires", ["expires_at"], unique=False)
        batch_op.create_index("ix_saml_participants_named", ["pool_id", "client_id", "name_digest"], unique=False)

    op.create_table(
        "saml_seen_messages",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "digest", name=op.f("pk_saml_seen_messages")),
    )
    with op.batch_alter_table("saml_seen_messages", schema=None) as batch_op:
        batch_op.create_index("ix_saml_seen_messages_expires", ["expires_at"], unique=False)

    op.create_table(
        "saml_service_providers",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "digest", name=op.f("pk_saml_service_providers")),
    )
    with op.batch_alter_table("saml_service_providers", schema=None) as batch_op:
        batch_op.create_index("ix_saml_service_providers_client", ["pool_id", "client_id"], unique=False)

    op.create_table(
        "upstream_sessions",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sub", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("name_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("browser_session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "id", name=op.f("pk_upstream_sessions")),
    )
    with op.batch_alter_table("upstream_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_upstream_sessions_browser", ["pool_id", "browser_session"], unique=False)
        batch_op.create_index("ix_upstream_sessions_expires", ["expires_at"], unique=False)
        batch_op.create_index("ix_upstream_sessions_named", ["pool_id", "name_digest"], unique=False)

    op.create_table(
        "upstream_tokens",
        sa.Column("pool_id", sa.String(length=55), nullable=False),
        sa.Column("sub", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "sub", "provider", name=op.f("pk_upstream_tokens")),
    )
    with op.batch_alter_table("authorization_codes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("acr", sa.String(length=32), nullable=True))

    with op.batch_alter_table("authorization_requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("protocol", sa.String(length=8), server_default="oauth", nullable=False))

    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("acr", sa.String(length=32), nullable=True))

    with op.batch_alter_table("refresh_families", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("acr", sa.String(length=32), nullable=True))
