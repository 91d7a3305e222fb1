/** Links with a ticket, opened as a browser does. */
import { rawRequest } from './raw-request.ts'

export interface Opened {
  readonly status: number
  readonly body: string
  readonly location: string | undefined
  readonly cookie: string | undefined
  header(name: string): string | undefined
  /** The form of a page that asks first; undefined: it does not. */
  readonly form: { readonly action: string; readonly fields: Readonly<Record<string, string>> } | undefined
}

type Headers = Readonly<Record<string, string>>

const HEADERS = { Host: '127.0.0.1', Accept: 'text/html' }

export async function openLink({ port }: { readonly port: number }, target: string, headers: Headers = {}) {
  return opened(await rawRequest(port, { target, headers: { ...HEADERS, ...headers } }))
}

/** Sends the form of a page that asked, as that page does; what did not ask is returned as it is. */
export async function answerLink(
  { port }: { readonly port: number },
  asked: Opened,
  headers: Headers = {},
  changes: Headers = {},
): Promise<Opened> {
  if (!asked.form) return asked
  const { action, fields } = asked.form
  const prefix = headers['X-Forwarded-Prefix'] ?? ''
  const sent = { ...HEADERS, Origin: 'http://127.0.0.1', 'Content-Type': 'application/x-www-form-urlencoded' }
  return opened(
    await rawRequest(port, {
      method: 'POST',
      // A proxy strips it.
      target: action.startsWith(prefix) ? action.slice(prefix.length) : action,
      headers: { ...sent, ...headers },
      body: new URLSearchParams({ ...fields, ...changes }).toString(),
    }),
  )
}

function opened({ status, body, header }: Awaited<ReturnType<typeof rawRequest>>): Opened {
  const action = /<form method="post" action="([^"]*)">/.exec(body)?.[1]
  const fields = [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  return {
    status,
    body,
    header,
    location: header('Location'),
    cookie: header('Set-Cookie'),
    form:
      action === undefined ? undefined : { action, fields: Object.fromEntries(fields.map(([, n, v]) => [n, text(v)])) },
  }
}

function text(escaped = ''): string {
  return escaped
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
