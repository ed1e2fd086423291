"""``poolhouse demo`` and ``poolhouse seed``: a pool to try things on, and the lines to paste to try them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from poolhouse.cli import opened, serve
from poolhouse.settings import PREFIX, Settings

_CONFIG = Path("config") / "demo.toml"
_BUILT_IN: dict[str, Any] = {"signing": "accept"}


def seed(options: argparse.Namespace) -> int:
    """Make the demo pool, once; print what is in it."""
    settings = _settings(options)
    _print(settings, _seed(settings))
    return 0


def demo(options: argparse.Namespace) -> int:
    """Make the demo pool, once; print how to use it; serve."""
    settings = _settings(options, **serve.tls_overrides(options, **_defaults(options)))
    known = _seed(settings)
    serve.run(settings, options.server, ready=lambda: _print(settings, known))
    return 0


def _seed(settings: Settings) -> dict[str, str]:
    with opened.server(settings) as rt:
        from poolhouse import demo

        return demo.seed(rt)


def _settings(options: argparse.Namespace, **overrides: Any) -> Settings:
    """The demo's settings, with an administrator's key that stays the same from one start to the next."""
    settings = opened.load(options, **_defaults(options), **overrides)
    if settings.access_key_id:
        return settings
    from poolhouse import demo

    return opened.load(options, **_defaults(options), **overrides, **demo.administrator(demo.read(settings)))


def _defaults(options: argparse.Namespace) -> dict[str, Any]:
    """Config file of the demo if none was named and it is here, else what it says for the most part."""
    if not options.config and not os.environ.get(PREFIX + "CONFIG"):
        if _CONFIG.is_file():
            options.config = str(_CONFIG)
            return {}
        return {name: value for name, value in _BUILT_IN.items() if PREFIX + name.upper() not in os.environ}
    return {}


def _print(settings: Settings, known: dict[str, str]) -> None:
    ca = f" AWS_CA_BUNDLE={settings.tls_cert}" if settings.tls_cert else ""
    verify = f', verify="{settings.tls_cert}"' if settings.tls_cert else ""
    mailbox = f"  mailbox       {settings.public_url}/dev/mailbox\n" if settings.mailbox else ""
    sign_in = {
        "client_id": known["web_client_id"],
        "response_type": "code",
        "scope": "openid email",
        "redirect_uri": "http://localhost:8081/callback",
    }
    print(
        f"""
  issuer        {known["issuer"]}
  discovery     {known["issuer"]}/.well-known/openid-configuration
  sample app    http://localhost:8081  (start it beside this server: make example)
  sign in       {known["issuer"]}/login?{urlencode(sign_in)}
{mailbox}  user          {known["username"]}  password  {known["password"]}
  user pool     {known["user_pool_id"]}
  public client {known["spa_client_id"]}
  all the rest  {Path(settings.data_dir).absolute() / "demo.json"}

With the AWS CLI:

  export AWS_ACCESS_KEY_ID={known["access_key_id"]}
  export AWS_SECRET_ACCESS_KEY={known["secret_access_key"]} AWS_DEFAULT_REGION={known["region"]}{ca}
  aws cognito-idp list-users --user-pool-id {known["user_pool_id"]} --endpoint-url {known["endpoint"]}

With boto3:

  import boto3
  idp = boto3.client("cognito-idp", endpoint_url="{known["endpoint"]}", region_name="{known["region"]}"{verify})
  print(idp.initiate_auth(ClientId="{known["spa_client_id"]}", AuthFlow="USER_PASSWORD_AUTH", AuthParameters={{
      "USERNAME": "{known["username"]}", "PASSWORD": "{known["password"]}"}})["AuthenticationResult"])
""",
        flush=True,
    )
