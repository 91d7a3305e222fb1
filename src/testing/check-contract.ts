/** Whether everything that came on a stream is as the contract of its server says. */
import { type Envelope, isEnvelope } from '../cli/stream/envelope.ts'
import type { TransportName } from '../cli/stream/transport.ts'
import { isoTime } from '../expect/conditions/iso-time.ts'
import { parseJson } from '../text/json-line.ts'
import { type Checked, faultList } from './checked.ts'
import { type Document, documentOf } from './contract/document.ts'
import type { FrameChecker } from './contract/frame-checker.ts'
import type { Received, ReceivedFrame } from './received.ts'

const checkers = new WeakMap<Document, Partial<Record<TransportName, FrameChecker>>>()

/** `checked` are the events among the frames. Rejects if the server does not answer. */
export async function checkContract(received: Received): Promise<Checked & { readonly checked: readonly Envelope[] }> {
  const checker = await checkerFor(received)
  const { frames, api } = received
  const faults = frames.flatMap((frame) => {
    const breach = checker.breach({ payload: parseJson(frame.text), headers: frame.fields })
    if (!breach) return []
    const value = breach.received === undefined ? '' : `; received ${JSON.stringify(breach.received)}`
    return [`${nameOf(frame)}\n  ${breach.path || 'the frame'}  ${breach.rule}${value}`]
  })
  const all = `${frames.length} frames`
  return {
    faults: faults.length,
    broken: faultList(`BREAKS THE CONTRACT of ${api.baseUrl}: ${faults.length} of ${all}`, faults),
    sound: `MATCHES THE CONTRACT of ${api.baseUrl}: all ${all}`,
    checked: frames.map(({ text }) => parseJson(text)).filter(isEnvelope),
  }
}

async function checkerFor({ api, transport }: Received): Promise<FrameChecker> {
  const document = await documentOf(api)
  const known = checkers.get(document) ?? {}
  checkers.set(document, known)
  // The validator is loaded by tests that use it only.
  const { FrameChecker } = await import('./contract/frame-checker.ts')
  known[transport] ??= new FrameChecker(document, transport)
  return known[transport]
}

function nameOf({ text, fields }: ReceivedFrame): string {
  const envelope = parseJson(text)
  if (!isEnvelope(envelope)) return `${fields?.event ?? 'a frame'}: ${text.slice(0, 200)}`
  return `${envelope.event}  ${envelope.id} ${isoTime(envelope).slice(11, 23)} on ${envelope.channel}`
}
