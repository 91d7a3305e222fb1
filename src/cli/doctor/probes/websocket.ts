/** Whether a WebSocket opens, messages pass both ways, and it is not cut while nothing happens on it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from '../../../text/json-line.ts'
import { backOffMs, isBusy } from '../../api/retry.ts'
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, type ProbeName, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import { RecordedSocket } from '../road/socket.ts'
import { type Bench, PATIENCE_MS, RIGHTS, STAGGER_MS, throwIfMissing } from './bench.ts'
import { isSameAge, longestOf, watchMsOf } from './quiet.ts'

export interface SocketCut {
  readonly ageMs: number
  /** The silence before it. */
  readonly quietMs: number
}

export interface SocketFacts {
  /** Of the answer to the upgrade; 101: it is a socket. */
  readonly status: number | undefined
  readonly error: string | undefined
  /** From the request to the first message. */
  readonly openMs: number | undefined
  /** From a message to its answer. */
  readonly pongMs: number | undefined
  /** How a socket was cut, and another one after it; undefined: it was not. */
  readonly cuts: readonly [SocketCut | undefined, SocketCut | undefined]
}

export async function probeWebSocket(bench: Bench): Promise<Finding> {
  const first = await opened(bench)
  try {
    if (first.refusal !== undefined) throwIfMissing(first.refusal, `subscribe on ${RIGHTS}`, bench.road.hasToken)
    const spoken = await speak(first)
    const cuts = spoken.pongMs === undefined ? NOT_CUT : await cutsOf(bench, first)
    const facts = { status: first.isOpen ? 101 : first.refusal?.status, error: first.error, ...spoken, cuts }
    return judgeSocket(facts, bench.middle)
  } finally {
    first.close()
  }
}

const NOT_CUT = [undefined, undefined] as const

/** A fault that passes is tried again: the places of streams that were open before may be taken for a moment. */
async function opened(bench: Bench): Promise<RecordedSocket> {
  const until = performance.now() + PATIENCE_MS
  for (let tries = 0; ; tries += 1) {
    const socket = newSocket(bench)
    await socket.until(() => socket.isOpen, 3 * PATIENCE_MS)
    const delayMs = backOffMs(tries)
    const isPassing = socket.refusal === undefined ? socket.error !== undefined : isBusy(socket.refusal.status)
    if (socket.isOpen || !isPassing || performance.now() + delayMs > until) return socket
    await sleep(delayMs)
  }
}

function newSocket({ road, channel }: Bench): RecordedSocket {
  return new RecordedSocket(road, `/ws?global=0&channels=${channel}:quiet`, 2 * PATIENCE_MS)
}

async function speak(socket: RecordedSocket): Promise<{ openMs: number | undefined; pongMs: number | undefined }> {
  const isOpen = await socket.until(() => socket.texts.length > 0, socket.isOpen ? PATIENCE_MS : 0)
  if (!isOpen) return { openMs: undefined, pongMs: undefined }
  const openMs = performance.now() - socket.askedAt
  const sentAt = performance.now()
  socket.send({ type: 'ping', timestamp: 1 })
  const hasPong = await socket.until(() => socket.texts.some(isPong), PATIENCE_MS)
  return { openMs, pongMs: hasPong ? performance.now() - sentAt : undefined }
}

function isPong(text: string): boolean {
  const message = parseJson(text)
  return typeof message === 'object' && message !== null && Reflect.get(message, 'type') === 'pong'
}

/** Until the server has pinged it, or with `--full` for longer. After a cut another socket shows whether it was by chance. */
async function cutsOf(bench: Bench, first: RecordedSocket): Promise<SocketFacts['cuts']> {
  const everyMs = await bench.heartbeatMs()
  if (everyMs > longestOf(bench)) return NOT_CUT
  await first.until(() => !bench.isFull && first.pings > 0, watchMsOf(bench, everyMs))
  const cut = cutOf(first)
  if (cut === undefined) return NOT_CUT
  const second = newSocket(bench)
  await second.until(() => false, cut.ageMs + STAGGER_MS)
  second.close()
  return [cut, cutOf(second)]
}

function cutOf({ askedAt, closedAt, lastAt, isOpen }: RecordedSocket): SocketCut | undefined {
  return closedAt === undefined || !isOpen ? undefined : { ageMs: closedAt - askedAt, quietMs: closedAt - lastAt }
}

export function judgeSocket({ status, error, openMs, pongMs, cuts }: SocketFacts, middle: Middle): Finding {
  const [first, second] = cuts
  const measured = {
    status: status ?? null,
    openMs: openMs === undefined ? null : Math.round(openMs),
    pongMs: pongMs === undefined ? null : Math.round(pongMs),
    cutAfterMs: first === undefined ? null : Math.round(first.ageMs),
  }
  if (status !== 101) {
    const shows =
      status === undefined ? `the upgrade fails (${error ?? 'no answer'})` : `the upgrade is answered ${status}`
    // Without the token or the right Host it is refused; what collects answers cannot upgrade. 426 is the server's own answer.
    const explainedBy: ProbeName[] =
      status === 401 || status === 403 ? ['headers'] : status === 426 ? [] : ['buffering']
    return { ...fail(measured, causeOf('blocksUpgrade', middle, shows)), explainedBy }
  }
  if (openMs === undefined || pongMs === undefined) {
    const shows = openMs === undefined ? 'the first message of the server does not come' : 'a ping is not answered'
    return { ...fail(measured, causeOf('silencesSocket', middle, shows)), explainedBy: ['buffering'] }
  }
  if (first === undefined)
    return ok(measured, `open after ${timeOf(openMs)}, answers in ${timeOf(pongMs)}, and stays open`)
  if (isSameAge(first.quietMs, second?.quietMs) || isSameAge(first.ageMs, second?.ageMs)) {
    const cause = causeOf(
      'cutsSocket',
      middle,
      'two sockets ended so long after their last message',
      timeOf(first.quietMs),
    )
    return { ...fail(measured, cause), explainedBy: ['idle'] }
  }
  const culprit = `a socket was cut after ${timeOf(first.ageMs)}, but another one was not: something may have restarted`
  return { ...warn(measured, { culprit, fix: 'run it again' }), explainedBy: ['idle'] }
}
