/** `boardcast replay`: posts a recording again, in its rhythm. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { jsonLine, parseJson } from '../../text/json-line.ts'
import { type ApiOptions, createApi, endlessPatience } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { exitCode, firstOf, usageError } from '../process/exit.ts'
import { onInterrupt } from '../process/interrupt.ts'
import { type Data, dataOutput, type OutputOptions, talk as talkOf } from '../process/output.ts'
import { type Envelope, isEnvelope } from '../stream/envelope.ts'
import { lossNotice } from '../tail/loss-notice.ts'
import { domainEvent, type Fields } from './domain-event.ts'
import { Ids } from './ids.ts'
import { type ReplayRequest, requestOf } from './requests.ts'
import { TargetBoard } from './target-board.ts'

export interface ReplayOptions extends ApiOptions, OutputOptions {
  /** Infinity: without pauses. */
  readonly speed: number
  readonly board?: string
  readonly dryRun?: boolean
}

/** Resolves to the exit code. Throws a usage error for a file that is no recording. */
export async function replay(file: string, options: ReplayOptions): Promise<number> {
  const recorded = readRecording(file)
  const api = createApi(options)
  const talk = talkOf(options)
  const data = dataOutput(options)
  const interrupt = onInterrupt()
  const stop = AbortSignal.any([interrupt.signal, data.gone])
  const loss = lossNotice(api.baseUrl, talk)
  const ids = new Ids(options.board)
  const counts = { posted: 0, skipped: 0, refused: 0 }
  const startedAt = performance.now()
  const firstAt = recorded[0]?.timestamp ?? 0
  const target = options.board === undefined || options.dryRun ? undefined : new TargetBoard(api, options.board, ids)
  await target?.prepare(recorded)
  let lastId = ''
  try {
    for (const envelope of recorded) {
      // An event that was recorded under several names is one.
      const isRepeated = envelope.id === lastId && envelope.event !== 'agent.heartbeat'
      const event = domainEvent(envelope)
      const isThere = event.type === 'board.created' && target?.standsFor(event.data) === true
      const request = isRepeated || isThere ? undefined : requestOf(event, ids)
      if (request === undefined) {
        if (!isRepeated) counts.skipped += 1
        continue
      }
      lastId = envelope.id
      const dueMs = startedAt + (envelope.timestamp - firstAt) / options.speed - performance.now()
      if (dueMs > 0 && !options.dryRun) await sleep(dueMs, undefined, { signal: stop })
      stop.throwIfAborted()
      if (options.dryRun) await print(data, request)
      else if (await send(request, event.type)) counts.posted += 1
      else counts.refused += 1
      if (options.dryRun) counts.posted += 1
    }
  } catch (error) {
    if (!stop.aborted) throw error
  }
  const { posted, skipped, refused } = counts
  const verb = options.dryRun ? 'would post' : 'posted'
  await data.write(
    data.isLaidOut ? `${verb} ${posted}, skipped ${skipped}, refused ${refused}\n` : `${jsonLine(counts)}\n`,
  )
  return firstOf([refused > 0 ? exitCode.failed : exitCode.done, interrupt.exitCode() ?? exitCode.done])

  async function send({ method, path, body, learn }: ReplayRequest, type: string): Promise<boolean> {
    try {
      const call = { ...(body && { body }), signal: stop, patience: endlessPatience, onRetry: loss.lost }
      const answer = await api.send(method, path, call)
      loss.found()
      if (typeof answer.body === 'object' && answer.body !== null) learn?.(answer.body as Fields)
      if (type === 'board.created') target?.wasCreated(answer.body as Fields)
      return true
    } catch (error) {
      if (!(error instanceof Refused) || error.exitCode === exitCode.authentication) throw error
      talk.warn(`${type}: ${error.message}`)
      return false
    }
  }
}

/** All of it is read before anything is posted. */
function readRecording(file: string): Envelope[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw usageError(`${file} cannot be read (${code}). Name a file that "boardcast record" has written.`)
  }
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const envelope = parseJson(line)
    if (isEnvelope(envelope)) return [envelope]
    throw usageError(`${file}:${index + 1} is no event: a recording has one envelope a line.`)
  })
}

async function print(data: Data, { method, path, body }: ReplayRequest): Promise<void> {
  const text = data.isLaidOut
    ? data.fit(`${method} ${path}${body === undefined ? '' : ` ${jsonLine(body)}`}`)
    : jsonLine({ method, path, ...(body && { body }) })
  await data.write(`${text}\n`)
}
