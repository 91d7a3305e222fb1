/** Requests from an address of loopback that the test chooses, so that it can be several clients. */
import { request } from 'node:http'

export interface AnswerFrom {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  readonly body: any
}

/** Posts JSON from `localAddress`, such as 127.0.0.2, on a new connection. */
export function postFrom(
  localAddress: string,
  { port }: { readonly port: number },
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<AnswerFrom> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: `/api/v1${path}`, method: 'POST', localAddress, agent: false }
    const asked = request({ ...options, headers: { 'Content-Type': 'application/json', ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => {
        const { statusCode: status = 0, headers: given } = answer
        resolve({ status, headers: given, body: text === '' ? undefined : JSON.parse(text) })
      })
    })
    asked.on('error', reject)
    asked.end(JSON.stringify(body))
  })
}
