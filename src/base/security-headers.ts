/** Headers that tell browsers how little an answer may be used for. Rules HA1 to HA3 of docs/security.md. */

/** For streams: their body is what `Content-Type` says, and pages of other origins may not embed it. */
export const STREAM_SECURITY: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

/** For all other answers. A page overrides the policy with its own. Requests with CORS are not subject to the third. */
export const ANSWER_SECURITY: ReadonlyArray<readonly [name: string, value: string]> = [
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
]

/** For the page and its files. */
export const PAGE_SECURITY: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; " +
    "require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}
