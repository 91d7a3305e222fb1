/** Settings that hold keys. Their faults never quote the value. */
import * as z from 'zod'

/** `BOARDCAST_TOKEN`: it must fit into a header and a cookie. */
export const password = z
  .string()
  .regex(/^[\x21-\x3a\x3c-\x7e]+$/, 'must be of visible ASCII characters without spaces and semicolons')
  .max(8_192)

/** `BOARDCAST_JWT_SECRET`: comma separated. */
export const secretList = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .refine((secrets) => secrets.length > 0, 'names no secret')
  .refine(
    (secrets) => !secrets.some((secret) => secret.includes('-----BEGIN')),
    'holds a key in PEM form. A public key belongs in BOARDCAST_JWT_PUBLIC_KEY',
  )
