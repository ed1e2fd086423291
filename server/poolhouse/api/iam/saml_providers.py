"""SAML providers whose assertions may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from poolhouse.access import roles, saml_providers
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation

_SERVICE = "iam"


@operation("CreateSAMLProvider", service=_SERVICE, resource=resources.new_saml_provider)
def create_saml_provider(
    *,
    saml_metadata_document: str,
    name: str,
    tags: Sequence[Mapping[str, str]] = (),
    assertion_encryption_mode: str = "",
    add_private_key: str = "",
) -> Answer:
    given = views.given_tags(tags)
    arn = saml_providers.create(name, saml_metadata_document, given, assertion_encryption_mode, add_private_key)
    return {"SAMLProviderArn": arn, "Tags": views.tags(given)}


@operation("GetSAMLProvider", service=_SERVICE, resource=resources.saml_provider)
def get_saml_provider(*, saml_provider_arn: str) -> Answer:
    row = saml_providers.require(saml_provider_arn)
    return {
        "SAMLProviderUUID": row.provider_id,
        "SAMLMetadataDocument": row.document,
        "CreateDate": row.created_at,
        "ValidUntil": row.valid_until,
        "Tags": views.tags(row.tags),
        "AssertionEncryptionMode": row.encryption or None,
        "PrivateKeyList": [
            {"KeyId": key["id"], "Timestamp": datetime.fromisoformat(key["at"])} for key in saml_providers.keys(row)
        ],
    }


@operation("ListSAMLProviders", service=_SERVICE)
def list_saml_providers() -> Answer:
    return {
        "SAMLProviderList": [
            {"Arn": saml_providers.arn(row.name), "ValidUntil": row.valid_until, "CreateDate": row.created_at}
            for row in saml_providers.listed()
        ]
    }


@operation("UpdateSAMLProvider", service=_SERVICE, resource=resources.saml_provider)
def update_saml_provider(
    *,
    saml_provider_arn: str,
    saml_metadata_document: str | None = None,
    assertion_encryption_mode: str | None = None,
    add_private_key: str = "",
    remove_private_key: str = "",
) -> Answer:
    saml_providers.require(saml_provider_arn)
    if saml_metadata_document is not None:
        saml_providers.set_document(saml_provider_arn, saml_metadata_document)
    if assertion_encryption_mode is not None or add_private_key or remove_private_key:
        saml_providers.set_encryption(saml_provider_arn, assertion_encryption_mode, add_private_key, remove_private_key)
    return {"SAMLProviderArn": saml_provider_arn}


@operation("DeleteSAMLProvider", service=_SERVICE, writes=True, resource=resources.saml_provider)
def delete_saml_provider(*, saml_provider_arn: str) -> None:
    saml_providers.delete(saml_provider_arn)


# --- tags ---------------------------------------------------------------------------------------------------------


@operation("TagSAMLProvider", service=_SERVICE, writes=True, resource=resources.saml_provider)
def tag_saml_provider(*, saml_provider_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    held = saml_providers.require(saml_provider_arn).tags
    saml_providers.set_tags(saml_provider_arn, roles.merged_tags(held, views.given_tags(tags)))


@operation("UntagSAMLProvider", service=_SERVICE, writes=True, resource=resources.saml_provider)
def untag_saml_provider(*, saml_provider_arn: str, tag_keys: Sequence[str]) -> None:
    held = saml_providers.require(saml_provider_arn).tags
    kept = {key: value for key, value in held.items() if key not in tag_keys}
    saml_providers.set_tags(saml_provider_arn, kept)


@operation("ListSAMLProviderTags", service=_SERVICE, resource=resources.saml_provider)
def list_saml_provider_tags(
    *, saml_provider_arn: str, marker: str | None = None, max_items: int | None = None
) -> Answer:
    listed = sorted(views.tags(saml_providers.require(saml_provider_arn).tags), key=lambda tag: str(tag["Key"]))
    return views.page(f"tags of {saml_provider_arn}", "Tags", listed, lambda tag: str(tag["Key"]), marker, max_items)
