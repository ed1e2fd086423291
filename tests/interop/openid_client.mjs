// openid-client: the certified relying party, with a shared secret or with a private key, by code and PKCE.

import * as client from 'openid-client'
import { Browser } from './browser.mjs'
import { given, tell } from './story.mjs'

async function authentication() {
  if (given.method === 'private_key_jwt') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('jwk', given.private_jwk, algorithm, false, ['sign'])
    return client.PrivateKeyJwt({ key, kid: given.private_jwk.kid })
  }
  if (given.method === 'client_secret_post') return client.ClientSecretPost(given.client_secret)
  if (given.method === 'none') return client.None()
  return client.ClientSecretBasic(given.client_secret)
}

const refusal = (promise) => promise.then(() => 'accepted', (error) => error.error ?? error.code ?? String(error))

await tell(async (seen) => {
  const options = { execute: [client.allowInsecureRequests] }
  const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, await authentication(), options)
  const server = config.serverMetadata()
  seen.issuer = server.issuer
  seen.supports_pkce = server.supportsPKCE()
  seen.announces_iss = server.authorization_response_iss_parameter_supported

  const browser = new Browser(new URL(given.base).origin)
  async function authorize(extra = {}) {
    const checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
      idTokenExpected: true,
    }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: given.redirect_uri, scope: given.scope, state: checks.expectedState, nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...extra,
    })
    return { checks, page: await browser.visit(url) }
  }

  const { checks, page: login } = await authorize()
  seen.login_page = { status: login.status, asks_for_password: /type="?password/i.test(login.html) }
  const wrong = await browser.submit(login, { username: given.username, password: 'not-It-1-at-all' })
  seen.wrong_password = { status: wrong.status, stays: new URL(wrong.url).origin === new URL(given.base).origin }
  const back = await browser.submit(wrong, { username: given.username, password: given.password })
  seen.returned_to = back.url.split('?')[0]

  const tokens = await client.authorizationCodeGrant(config, new URL(back.url), checks)
  const claims = tokens.claims()
  seen.claims = claims
  seen.token_type = tokens.token_type
  seen.code_again = await refusal(client.authorizationCodeGrant(config, new URL(back.url), checks))

  // The replay above revokes what the code had brought (RFC 6749 §4.1.2), so that the story goes on with new tokens.
  const second = await authorize()
  seen.silent = second.page.url.startsWith(given.redirect_uri)
  const fresh = await client.authorizationCodeGrant(config, new URL(second.page.url), second.checks)
  seen.same_person = fresh.claims().sub === claims.sub

  const none = await authorize({ prompt: 'none' })
  seen.prompt_none = Boolean((await client.authorizationCodeGrant(config, new URL(none.page.url), none.checks)).id_token)
  const demanded = await authorize({ prompt: 'login' })
  seen.prompt_login = { status: demanded.page.status, asks_for_password: /type="?password/i.test(demanded.page.html) }

  seen.userinfo = await client.fetchUserInfo(config, fresh.access_token, claims.sub)
  const renewed = await client.refreshTokenGrant(config, fresh.refresh_token)
  seen.renewed = { id_token: Boolean(renewed.id_token), rotated: Boolean(renewed.refresh_token && renewed.refresh_token !== fresh.refresh_token) }
  if (seen.renewed.rotated) {
    seen.reused = await refusal(client.refreshTokenGrant(config, fresh.refresh_token))
    seen.family = await refusal(client.refreshTokenGrant(config, renewed.refresh_token))
  }

  const third = await authorize()
  const last = await client.authorizationCodeGrant(config, new URL(third.page.url), third.checks)
  seen.introspection = await client.tokenIntrospection(config, last.access_token)
  seen.introspection_of_refresh = await client.tokenIntrospection(config, last.refresh_token, { token_type_hint: 'refresh_token' })
  await client.tokenRevocation(config, last.refresh_token)
  seen.after_revocation = {
    access: (await client.tokenIntrospection(config, last.access_token)).active,
    refresh: await refusal(client.refreshTokenGrant(config, last.refresh_token)),
    userinfo: await refusal(client.fetchUserInfo(config, last.access_token, claims.sub)),
  }
  seen.introspection_of_nonsense = await client.tokenIntrospection(config, 'nonsense')

  const out = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: given.logout_uri, id_token_hint: fresh.id_token, state: 'bye',
  })
  let left = await browser.visit(out)
  if (left.status === 200 && /<form/i.test(left.html)) left = await browser.submit(left)
  seen.logged_out_to = left.url
  const after = await authorize()
  seen.after_logout = /type="?password/i.test(after.page.html)
})
