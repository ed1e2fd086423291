// Amplify v6: a guest's session, a sign-in by SRP, the session of who signed in, and a guest again after signing out.

import { Amplify } from 'aws-amplify'
import { fetchAuthSession, getCurrentUser, signIn, signOut } from 'aws-amplify/auth'
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito'
import { sharedInMemoryStorage } from 'aws-amplify/utils'
import { given, tell } from './story.mjs'

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: given.pool_id,
      userPoolClientId: given.client_id,
      userPoolEndpoint: given.base,
      identityPoolId: given.identity_pool_id,
      identityPoolEndpoint: given.base,
      allowGuestAccess: true,
    },
  },
})
cognitoUserPoolsTokenProvider.setKeyValueStorage(sharedInMemoryStorage)

const shown = ({ identityId, credentials, tokens, userSub }) => ({
  identityId,
  accessKeyId: credentials?.accessKeyId,
  secretAccessKey: credentials?.secretAccessKey,
  sessionToken: credentials?.sessionToken,
  expires: credentials?.expiration && new Date(credentials.expiration).toISOString(),
  idToken: tokens?.idToken?.payload,
  userSub,
})

await tell(async (seen) => {
  seen.guest = shown(await fetchAuthSession())
  const step = await signIn({ username: given.username, password: given.password })
  seen.signed_in = step.nextStep.signInStep
  seen.username = (await getCurrentUser()).username
  seen.session = shown(await fetchAuthSession())
  seen.refreshed = shown(await fetchAuthSession({ forceRefresh: true }))
  await signOut()
  seen.after = shown(await fetchAuthSession())
})
