/** Whether a Boardcast server answers at the address. */
import { isBusy, isNobody, reasonOf } from '../../api/retry.ts'
import { causeOf } from '../findings/causes.ts'
import { type Finding, fail, ok } from '../findings/finding.ts'
import { type Middle, middleOf } from '../findings/middle.ts'
import type { Answer } from '../road/road.ts'
import { type Bench, problemOf } from './bench.ts'

const PATH = '/health'

export async function probeReach(bench: Bench): Promise<Finding> {
  let answer: Answer
  try {
    answer = await bench.road.askAgain('GET', PATH)
  } catch (error) {
    if (isNobody(error)) throw error
    return judgeNoAnswer(bench.road.baseUrl, error)
  }
  bench.middle = middleOf(answer.headers)
  bench.answerMs = answer.answeredAt - answer.askedAt
  if (answer.status === 404 && (await isBoardcast(bench))) {
    // Only what clients need is handed on.
    return ok({ status: answer.status, ms: Math.round(bench.answerMs) }, `streams are there, ${PATH} is not`)
  }
  return judgeAnswer(answer, { baseUrl: bench.road.baseUrl, middle: bench.middle, ms: bench.answerMs })
}

async function isBoardcast({ road, channel }: Bench): Promise<boolean> {
  const { status, headers, body } = await road.askAgain('HEAD', `/sse?channels=${channel}`)
  return status === 200 ? /^text\/event-stream/.test(headers['content-type'] ?? '') : problemOf(body).code !== undefined
}

/** The error codes of OpenSSL for a certificate that is not accepted. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/

export function judgeNoAnswer(baseUrl: string, error: unknown): Finding {
  const reason = reasonOf(error)
  if (!CERTIFICATE.test(reason)) {
    return fail(
      { error: reason },
      {
        culprit: `${baseUrl} accepts connections and does not answer (${reason})`,
        fix: 'look into the log of what listens there',
      },
    )
  }
  const isName = reason.includes('ALTNAME')
  return fail(
    { error: reason },
    {
      culprit: `the certificate of ${baseUrl} is not accepted (${reason})`,
      fix: isName
        ? 'a certificate for this name, or the address that the certificate is for'
        : 'ssl_certificate with the whole chain (nginx); for a CA of your own NODE_EXTRA_CA_CERTS=FILE here',
    },
  )
}

interface Context {
  readonly baseUrl: string
  readonly middle: Middle
  readonly ms: number
}

export function judgeAnswer({ status, headers, body, text }: Answer, { baseUrl, middle, ms }: Context): Finding {
  const named = headers.server ?? headers.via
  const measured = { status, ms: Math.round(ms), ...(named !== undefined && { server: named }) }
  const { name: who } = middle
  const { code, detail } = problemOf(body)
  const type: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'type') : undefined
  if (status === 200 && type === 'boardcast') {
    return ok(measured, `answers ${status} in ${Math.round(ms)} ms${named === undefined ? '' : `, by ${named}`}`)
  }
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    const target = URL.canParse(headers.location, baseUrl) ? new URL(headers.location, baseUrl).href : headers.location
    return fail(measured, {
      culprit: `${who} redirects to ${target} (${status}), where a POST would not follow`,
      fix: `use ${target.replace(new RegExp(`${PATH}$`), '')} as the address`,
    })
  }
  if (status === 403 && code === 'forbidden') return judgeHost(measured, detail, baseUrl, middle)
  if (status === 401 && code === undefined) {
    return fail(measured, {
      culprit: `${who} asks for a password of its own (401)`,
      fix: middle.kind === 'nginx' ? 'auth_basic off;' : 'exempt Boardcast from that, and use its tokens',
    })
  }
  if (isBusy(status)) {
    return fail(measured, {
      culprit: `${who} answers ${status}: it reaches no server`,
      fix:
        middle.kind === 'nginx'
          ? 'start the server, and name its address: proxy_pass http://127.0.0.1:3000;'
          : 'start the server, and check the address that is configured for it',
    })
  }
  const kind = headers['content-type']?.split(';')[0] ?? (text === '' ? 'nothing' : 'text')
  return fail(measured, {
    culprit: `${baseUrl}${PATH} answers ${status} with ${kind}, which is not a Boardcast server`,
    fix: 'check the address, and the path under which the server is served',
  })
}

/** The server answers, but not under this name. */
function judgeHost(measured: Finding['measured'], detail: string, baseUrl: string, middle: Middle): Finding {
  const { host } = new URL(baseUrl)
  const [, seen = host] = /known as "?([^"\s]+?)"?[.] /.exec(detail) ?? []
  if (seen !== host) return fail({ ...measured, host: seen }, causeOf('replacesHost', middle, `it arrives as ${seen}`))
  return fail(
    { ...measured, host },
    {
      culprit: `the server does not know the name ${host}: ${detail}`,
      fix: `BOARDCAST_HOSTS=${new URL(baseUrl).hostname}`,
    },
  )
}
