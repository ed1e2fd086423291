// A browser without a screen: cookies, redirects, and plain HTML forms, which are all that the hosted pages ask for.

/** The attributes of one tag, entities undone. */
function attributes(tag) {
  const found = {}
  for (const [, name, , double, single, bare] of tag.matchAll(/([\w:-]+)(\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] ??= plain(double ?? single ?? bare ?? '')
  }
  return found
}

function plain(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name) => {
    if (name[0] !== '#') return named[name] ?? whole
    return String.fromCodePoint(/^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10))
  })
}

/** Forms with where they go, what they would send untouched, and which field is of which type. */
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inside]) => {
    const { action = '', method = 'get' } = attributes(head)
    const form = { action, method: method.toLowerCase(), values: {}, types: {} }
    for (const [, kind, tag] of inside.matchAll(/<(input|button|textarea)\b([^>]*)>/gi)) {
      const { name, value = '', type = kind.toLowerCase() === 'button' ? 'submit' : 'text', ...rest } = attributes(tag)
      if (!name) continue
      if (type === 'submit') form.button ??= [name, value]
      else if (!['checkbox', 'radio'].includes(type) || 'checked' in rest) {
        form.values[name] = value
        form.types[name] = type
      }
    }
    return form
  })
}

/** Where a page sends its reader by itself: <meta http-equiv="refresh">. */
function refresh(html) {
  const tag = html.match(/<meta\b[^>]*http-equiv="?refresh[^>]*>/i)
  return tag && attributes(tag[0]).content?.split(/url=/i)[1]
}

export class Browser {
  #cookies = new Map()

  constructor(...origins) {
    this.origins = origins
  }

  /** Go there and follow redirects; stops before an address outside of its origins: {url, status, html}. */
  async visit(url, body, referrer) {
    for (let hops = 0; hops < 20; hops++) {
      if (!this.origins.includes(new URL(url).origin)) return { url: String(url), status: 0, html: '' }
      const headers = {
        accept: 'text/html', cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '), 'sec-fetch-mode': 'navigate',
      }
      if (body) Object.assign(headers, { origin: new URL(referrer).origin, referer: String(referrer), 'sec-fetch-site': 'same-origin' })
      const got = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' })
      for (const line of got.headers.getSetCookie()) this.#keep(line)
      const redirected = got.status >= 300 && got.status < 400
      const html = await got.text()
      const following = redirected ? got.headers.get('location') : refresh(html)
      if (!following) return { url: String(url), status: got.status, html }
      url = new URL(following, url)
      body = undefined
    }
    throw new Error(`too many redirects, last to ${url}`)
  }

  #keep(line) {
    const [pair, ...rest] = line.split(';').map((part) => part.trim())
    const at = pair.indexOf('=')
    const gone = rest.some((part) => /^max-age=0$/i.test(part) || (/^expires=/i.test(part) && Date.parse(part.slice(8)) < Date.now()))
    if (gone) this.#cookies.delete(pair.slice(0, at))
    else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }

  /** Fill in the first form of the page that has all these fields, by name or by type, and send it. */
  async submit(page, fields = {}) {
    const wanted = Object.keys(fields)
    const form = forms(page.html).find(({ values, types }) =>
      wanted.every((name) => name in values || Object.values(types).includes(name)))
    if (!form) throw new Error(`no form with ${wanted} at ${page.url} (${page.status}): ${page.html.replace(/<[^>]+>|\s+/g, ' ').slice(0, 600)}`)
    const values = { ...form.values }
    if (form.button) values[form.button[0]] ??= form.button[1]
    for (const [name, value] of Object.entries(fields)) {
      values[name in form.values ? name : Object.keys(form.types).find((key) => form.types[key] === name)] = value
    }
    const target = new URL(form.action || page.url, page.url)
    if (form.method === 'post') return this.visit(target, new URLSearchParams(values), page.url)
    target.search = new URLSearchParams(values)
    return this.visit(target)
  }
}
