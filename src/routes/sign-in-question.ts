/** The page that asks before a link signs a browser in. It works without scripts. Rule AU27 of docs/security.md. */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'

export interface SignInQuestion {
  /** Where the form is sent, and the page that the link leads to, as the browser sees them. */
  readonly action: string
  readonly page: string
  /** Sent with the form. */
  readonly token: string
  readonly target: string
  /** Who the browser would be signed in as. */
  readonly actor: string | null
}

export const TOKEN_FIELD = 'token'
export const TARGET_FIELD = 'to'

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;padding:2rem 1rem}
main{max-width:32rem;margin:0 auto}
h1{font-size:1.25rem;overflow-wrap:anywhere}
form{display:flex;gap:1rem;align-items:center}
button{font:inherit;padding:.5rem 1rem}`

export const QUESTION_SECURITY: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
    // Browsers ask for the icon of the site.
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  // With no-referrer, a browser would send "Origin: null" with the form.
  'Referrer-Policy': 'same-origin',
}

export function signInQuestion({ action, page, token, target, actor }: SignInQuestion) {
  const title = actor === null ? 'Sign in with this link?' : html`Sign in as <bdi>${actor}</bdi>?`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Boardcast</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>The link that you followed signs this browser in. If you did not ask for it, cancel: you would work in the name of its
sender, who could see what you do.</p>
<form method="post" action="${action}">
<input type="hidden" name="${TOKEN_FIELD}" value="${token}">
<input type="hidden" name="${TARGET_FIELD}" value="${target}">
<button>Sign in</button>
<a href="${page}">Cancel</a>
</form>
</main>
</body>
</html>`
}
