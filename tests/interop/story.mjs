// What both stories need: the configuration they were given, a mailbox to read, one-time codes, and a report of what was seen.

import { createHmac } from 'node:crypto'

export const given = JSON.parse(process.env.INTEROP ?? 'null')
if (!given?.base) {
  console.error('INTEROP must hold JSON with the address of the server ("base") and what the story needs.')
  process.exit(2)
}

/** Run the story; print what it saw as JSON, or where it ended and why. */
export async function tell(story) {
  const seen = {}
  try {
    await story(seen)
    console.log(JSON.stringify(seen))
  } catch (error) {
    const { name, code, message, cause, error: oauth, error_description } = error
    console.error(JSON.stringify({ name, code, message, oauth, error_description, cause: String(cause ?? ''), seen }, null, 1))
    console.error(error.stack)
    process.exitCode = 1
  }
}

/** The newest message to an address, with the codes in its text, once there are more than `known` of them. */
export async function mail(to, known = 0) {
  for (let tries = 0; tries < 100; tries++) {
    const all = await (await fetch(`${given.base}/dev/mailbox.json`)).json()
    const mine = all.filter((message) => message.to === to || message.to.includes(to))
    if (mine.length > known) {
      const { text, subject } = mine.at(-1)
      return { count: mine.length, subject, text, code: text.match(/\b\d{6}\b/)?.[0] }
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`no message ${known + 1} to ${to}`)
}

/** RFC 6238 with a step of 30 s and six digits; `steps` moves the clock, since a code is good for one use. */
export function totp(secret, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret.replace(/=+$/, '')].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps))
  const mac = createHmac('sha1', key).update(counter).digest()
  const at = mac[19] & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
