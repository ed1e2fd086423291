// amazon-cognito-identity-js: the library under Amplify's first five versions, and under very many apps to this day.

import cognito from 'amazon-cognito-identity-js'
import { given, mail, tell, totp } from './story.mjs'

const { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserAttribute, CognitoUserPool } = cognito
const endpoint = given.base + '/'

/** A device of its own: nothing that one keeps is known to another. */
function device() {
  const kept = new Map()
  const Storage = {
    setItem: (key, value) => void kept.set(key, value),
    getItem: (key) => kept.get(key) ?? null, // as a browser's localStorage answers
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  }
  const Pool = new CognitoUserPool({ UserPoolId: given.pool_id, ClientId: given.client_id, endpoint, Storage })
  return { Pool, user: (Username) => new CognitoUser({ Username, Pool, Storage }) }
}

/** `call(done)` as a promise, for the library's (error, result) callbacks. */
const settled = (call) =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))

/** The same for its objects of callbacks: whichever is called first, and with what. */
function outcome(call, ...names) {
  return new Promise((resolve, reject) => {
    const callbacks = { onFailure: reject }
    for (const name of ['onSuccess', ...names]) callbacks[name] = (...with_) => resolve({ name, with: with_ })
    call(callbacks)
  })
}

const refusal = (promise) => promise.then(() => 'accepted', (error) => error.code ?? error.name)

function signIn(user, Username, Password) {
  const details = new AuthenticationDetails({ Username, Password })
  const others = ['newPasswordRequired', 'totpRequired', 'mfaRequired', 'mfaSetup', 'selectMFAType']
  return outcome((callbacks) => user.authenticateUser(details, callbacks), ...others)
}

const attribute = (Name, Value) => new CognitoUserAttribute({ Name, Value })
const named = (list) => Object.fromEntries(list.map((one) => [one.getName(), one.getValue()]))

await tell(async (seen) => {
  const { username, email, password } = given
  const phone = device()
  let user = phone.user(username)

  const signedUp = await settled((done) => phone.Pool.signUp(username, password, [attribute('email', email)], [], done))
  seen.confirmed_at_sign_up = signedUp.userConfirmed
  seen.delivered_to = signedUp.codeDeliveryDetails
  seen.before_confirmation = await refusal(signIn(user, username, password))

  const { code } = await mail(email)
  seen.wrong_code = await refusal(settled((done) => user.confirmRegistration(code === '000000' ? '000001' : '000000', false, done)))
  seen.confirmation = await settled((done) => user.confirmRegistration(code, false, done))

  seen.wrong_password = await refusal(signIn(user, username, 'not-It-1-at-all'))
  const first = await signIn(user, username, password)
  seen.signed_in = first.name
  const session = first.with[0]
  seen.session_valid = session.isValid()
  seen.id_claims = session.getIdToken().decodePayload()
  seen.access_claims = session.getAccessToken().decodePayload()

  seen.attributes = named(await settled((done) => user.getUserAttributes(done)))
  seen.update = await settled((done) => user.updateAttributes([attribute('given_name', 'Ann'), attribute('locale', 'en')], done))
  seen.updated = named(await settled((done) => user.getUserAttributes(done)))

  const changed = password + '-new'
  seen.change = await settled((done) => user.changePassword(password, changed, done))
  seen.old_password = await refusal(signIn(device().user(username), username, password))
  seen.new_password = (await signIn(device().user(username), username, changed)).name

  const { with: [secret] } = await outcome((callbacks) => user.associateSoftwareToken(callbacks), 'associateSecretCode')
  seen.secret_length = secret.length
  seen.wrong_totp = await refusal(outcome((callbacks) => user.verifySoftwareToken('000000', 'phone', callbacks)))
  seen.verified = (await outcome((callbacks) => user.verifySoftwareToken(totp(secret, -1), 'phone', callbacks))).name
  seen.preference = await settled((done) =>
    user.setUserMfaPreference(null, { PreferredMfa: true, Enabled: true }, done))

  user = device().user(username)
  const challenged = await signIn(user, username, changed)
  seen.challenge = { name: challenged.name, challenge: challenged.with[0] }
  const passed = await outcome((callbacks) => user.sendMFACode(totp(secret), callbacks, 'SOFTWARE_TOKEN_MFA'))
  seen.passed = passed.name

  const before = passed.with[0]
  const token = new CognitoRefreshToken({ RefreshToken: before.getRefreshToken().getToken() })
  const after = await settled((done) => user.refreshSession(token, done))
  seen.refreshed = {
    new_token: after.getAccessToken().getJwtToken() !== before.getAccessToken().getJwtToken(),
    same_origin: after.getAccessToken().decodePayload().origin_jti === before.getAccessToken().decodePayload().origin_jti,
    same_auth_time: after.getIdToken().payload.auth_time === before.getIdToken().payload.auth_time,
  }

  const wiped = await outcome((callbacks) => user.globalSignOut(callbacks))
  seen.global_sign_out = wiped.with[0]
  const other = await refusal(settled((done) => phone.user(username).refreshSession(token, done)))
  seen.after_sign_out = other

  const made = device().user(given.made_by_admin.username)
  const owed = await signIn(made, given.made_by_admin.username, given.made_by_admin.password)
  seen.owed = owed.name
  const completed = await outcome((callbacks) => made.completeNewPasswordChallenge(changed, {}, callbacks))
  seen.completed = completed.name
  seen.completed_as = completed.with[0].getIdToken().payload['cognito:username']

  const forgetful = device().user(given.made_by_admin.username)
  const known = (await mail(given.made_by_admin.email)).count
  await outcome((callbacks) => forgetful.forgotPassword(callbacks), 'inputVerificationCode')
  const reset = await mail(given.made_by_admin.email, known)
  await new Promise((onSuccess, onFailure) => forgetful.confirmPassword(reset.code, password, { onSuccess, onFailure }))
  seen.after_reset = (await signIn(forgetful, given.made_by_admin.username, password)).name
})
