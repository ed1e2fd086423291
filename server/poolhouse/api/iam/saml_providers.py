"""SAML providers whose assertions may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolhouse.access import roles, saml_providers
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation

_SERVICE = "iam"
_PLAIN = "assertions for roles are signed and travel over TLS: encrypted ones are a matter of user pools here"


@operation(
    "CreateSAMLProvider",
    service=_SERVICE,
    resource=resources.new_saml_provider,
    ignores={"AssertionEncryptionMode": _PLAIN, "AddPrivateKey": _PLAIN},
)
def create_saml_provider(*, saml_metadata_document: str, name: str, tags: Sequence[Mapping[str, str]] = ()) -> Answer:
    given = views.given_tags(tags)
    return {
        "SAMLProviderArn": saml_providers.create(name, saml_metadata_document, given),
        "Tags": views.tags(given),
    }


@operation("GetSAMLProvider", service=_SERVICE, resource=resources.saml_provider)
def get_saml_provider(*, saml_provider_arn: str) -> Answer:
    row = saml_providers.require(saml_provider_arn)
    return {
        "SAMLProviderUUID": row.provider_id,
        "SAMLMetadataDocument": row.document,
        "CreateDate": row.created_at,
        "ValidUntil": row.valid_until,
        "Tags": views.tags(row.tags),
    }


@operation("ListSAMLProviders", service=_SERVICE)
def list_saml_providers() -> Answer:
    return {
        "SAMLProviderList": [
            {"Arn": saml_providers.arn(row.name), "ValidUntil": row.valid_until, "CreateDate": row.created_at}
            for row in saml_providers.listed()
        ]
    }


@operation(
    "UpdateSAMLProvider",
    service=_SERVICE,
    resource=resources.saml_provider,
    ignores={"AssertionEncryptionMode": _PLAIN, "AddPrivateKey": _PLAIN, "RemovePrivateKey": _PLAIN},
)
def update_saml_provider(*, saml_provider_arn: str, saml_metadata_document: str | None = None) -> Answer:
    if saml_metadata_document is None:
        saml_providers.require(saml_provider_arn)
    else:
        saml_providers.set_document(saml_provider_arn, saml_metadata_document)
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
