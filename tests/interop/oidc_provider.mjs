// oidc-provider: the certified OpenID provider, as an upstream that people sign in through. tests/federation/upstream.py runs it.
//
// It prints {"issuer": …} once it listens on a free port, takes a command a line from its standard input, answers each with a
// line, and ends when its input does. People sign in under any name: their claims are those that were given for it.

import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Provider } from 'oidc-provider'

const given = JSON.parse(process.env.UPSTREAM ?? '{}')
const accounts = given.accounts ?? {}

function key() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }
}

/** What the provider remembers, for all that it is built anew when its key changes. */
class Memory {
  static rows = new Map()
  constructor(model) { this.model = model }
  id(id) { return `${this.model} ${id}` }
  async upsert(id, row) { Memory.rows.set(this.id(id), row) }
  async find(id) { return Memory.rows.get(this.id(id)) }
  async findByUid(uid) { return [...Memory.rows].find(([id, row]) => id.startsWith(`${this.model} `) && row.uid === uid)?.[1] }
  async consume(id) { Memory.rows.get(this.id(id)).consumed = Math.floor(Date.now() / 1000) }
  async destroy(id) { Memory.rows.delete(this.id(id)) }
  async revokeByGrantId(grant) {
    for (const [id, row] of Memory.rows) if (id.startsWith(`${this.model} `) && row.grantId === grant) Memory.rows.delete(id)
  }
}

const configuration = () => ({
  adapter: Memory,
  jwks: { keys: [key()] },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'groups'],
    phone: ['phone_number', 'phone_number_verified'],
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  pkce: { required: () => true },
  cookies: { keys: ['a key of the tests'] },
  features: { registration: { enabled: true }, devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600, RefreshToken: 3600, AuthorizationCode: 60 },
  // Clients' keys are asked at the server under test, which is on this machine too.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
})

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`
  let answer = new Provider(issuer, configuration()).callback()
  server.on('request', (request, response) => answer(request, response))

  const commands = {
    accounts: (changed) => Object.assign(accounts, changed),
    // Another provider over the same memory: the same clients and sessions, another key.
    rotate: () => { answer = new Provider(issuer, configuration()).callback() },
  }
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      for (const [name, value] of Object.entries(JSON.parse(line))) commands[name](value)
      console.log('{}')
    })
    .on('close', () => process.exit(0))
  console.log(JSON.stringify({ issuer }))
})
