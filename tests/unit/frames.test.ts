import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { catalogue } from '../../shared/src/catalogue.ts'
import { CONTROL, RESERVED_EVENT_NAMES, SNAPSHOT, UNSTORED } from '../../shared/src/protocol.ts'
import { chunk, envelope, sseFraming } from '../../src/sse/wire/frames.ts'
import { boardFraming, channelFraming, markedChannelFraming } from '../../src/ws/framings.ts'
import { socketIoFraming } from '../../src/ws/socketio/framing.ts'

const bare = sseFraming({ chunked: true, gzip: false, envelope: false })
const enveloped = sseFraming({ chunked: true, gzip: false, envelope: true })
const shown = { channel: 'board:demo', event: 'board_updated', data: '{"name":"Demo"}' }
const id = '5d3c9b1e-17'
// In server time, which never goes back.
const at = Date.UTC(2126, 0, 31, 12)

describe('frames', () => {
  beforeEach(() => void vi.useFakeTimers({ now: at }))
  afterEach(() => void vi.useRealTimers())

  it('[S7] have these bytes', () => {
    expect(bare.frame(shown, at, id, true)).toBe('event: board_updated\ndata: {"name":"Demo"}\nid: 5d3c9b1e-17\n\n')
  })

  it('[I6] may have no id', () => {
    expect(bare.frame(shown, at, id, false)).toBe('event: board_updated\ndata: {"name":"Demo"}\n\n')
  })

  it('[K4] in an envelope have an id in it, with or without an id line', () => {
    const data = `{"channel":"board:demo","event":"board_updated","data":{"name":"Demo"},"timestamp":${at},"id":"5d3c9b1e-17"}`
    expect(enveloped.frame(shown, at, id, true)).toBe(`event: board_updated\ndata: ${data}\nid: 5d3c9b1e-17\n\n`)
    expect(enveloped.frame(shown, at, id, false)).toBe(`event: board_updated\ndata: ${data}\n\n`)
    expect(envelope(shown, at, id)).toBe(data)
  })

  it('[K13] of what is stored name its actor, whose text cannot end the line or the field', () => {
    const tail = (text: string) => text.slice(text.indexOf('"timestamp"'))
    expect(tail(envelope({ ...shown, actor: null }, at, id))).toBe(`"timestamp":${at},"actor":null,"id":"${id}"}`)
    const actor = 'a"\\\n\u2028\u0085,"id":"5d3c9b1e-99"}'
    const text = envelope({ ...shown, actor, topic: 't' }, at, id)
    expect(text).toMatch(new RegExp(`,"id":"${id}","topic":"t"}$`))
    expect(text).not.toMatch(/[\n\u2028\u0085]/)
    expect(JSON.parse(text)).toMatchObject({ actor, id, topic: 't' })
    expect(bare.frame({ ...shown, actor }, at, id, true)).not.toContain('5d3c9b1e-99')
    for (const framing of [channelFraming, markedChannelFraming]) {
      const message = JSON.parse(framing.frame({ ...shown, actor }, at, id, false))
      expect(message).toMatchObject({ actor, id, ...(framing === markedChannelFraming && { more: true }) })
      expect(framing.control('gap', '{}', id, false)).not.toContain('actor')
    }
    expect(boardFraming.frame({ ...shown, actor }, at, id, true)).not.toContain('actor')
    expect(JSON.parse(socketIoFraming.frame({ ...shown, actor }, at, id, true).slice(1))[1]).toMatchObject({
      actor,
      id,
    })
    expect(socketIoFraming.frame(shown, at, id, true)).not.toContain('actor')
  })

  it('[S11] with a reconnection time begin with retry', () => {
    expect(bare.control('hello', '{}', id, true, 1_500)).toBe(`retry: 1500\nevent: hello\ndata: {}\nid: ${id}\n\n`)
    expect(bare.control('heartbeat', '{}', id, true)).toBe(`event: heartbeat\ndata: {}\nid: ${id}\n\n`)
  })

  it('[K5] about the stream itself have the channel *', () => {
    expect(enveloped.control('gap', '{}', id, false)).toBe(
      `event: gap\ndata: {"channel":"*","event":"gap","data":{},"timestamp":${at},"id":"${id}"}\n\n`,
    )
  })

  it('[S5] are chunks for HTTP/1.1, and bare for HTTP/1.0', () => {
    const text = 'event: ä\ndata: {}\n\n'
    expect(bare.pack([text]).bytes.toString()).toBe(`14\r\n${text}\r\n`)
    expect(bare.pack([text, text]).bytes.toString()).toBe(`28\r\n${text}${text}\r\n`)
    expect(sseFraming({ chunked: false, gzip: false, envelope: false }).pack([text]).bytes.toString()).toBe(text)
    expect(chunk(Buffer.from('abc')).toString()).toBe('3\r\nabc\r\n')
  })

  it('[E2] nothing to show becomes no bytes, because an empty chunk would end the body', () => {
    for (const gzip of [false, true]) {
      const { bytes, plain } = sseFraming({ chunked: true, gzip, envelope: true }).pack([''])
      expect(bytes.toString()).toBe('')
      expect(plain?.length ?? 0).toBe(0)
    }
  })

  it('[S8] have four lines, whatever text the payload holds', () => {
    const text = fc.string({
      unit: fc.constantFrom('\n', '\r', '\0', '\u2028', '\u2029', '"', '\\', 'ä', '😀', '\ud800', ':', ' '),
    })
    fc.assert(
      fc.property(text, (value) => {
        for (const framing of [bare, enveloped]) {
          const frame = framing.frame({ ...shown, data: JSON.stringify({ value }) }, at, id, true)
          const lines = frame.split(/\r\n|\r|\n/)
          expect(lines.map((line) => line.split(':')[0])).toEqual(['event', 'data', 'id', '', ''])
          const data = JSON.parse((lines[1] ?? '').slice('data: '.length))
          expect((framing === bare ? data : data.data).value).toBe(value)
        }
      }),
    )
  })
})

describe('names', () => {
  const names = [
    ...Object.entries(catalogue).flatMap(([type, entry]) => [type, ...entry.to.map(({ event }) => event)]),
    ...Object.values(CONTROL),
    ...Object.values(SNAPSHOT),
  ]
  it('[S8] consist of letters, digits, dots and underscores', () => {
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9._]*$/)
  })
  it('[S13] of control events and of snapshots', () => {
    const control = ['hello', 'heartbeat', 'gap', 'draining', 'overloaded', 'auth_expiring', 'auth_expired']
    expect(Object.values(CONTROL)).toEqual(control)
    expect(Object.values(SNAPSHOT)).toEqual(['state', 'dashboard_overview', 'metric.update'])
    expect(Object.values(UNSTORED)).toEqual(['agent.heartbeat'])
  })
  it('[S13] of events that are never stored are not in the catalogue', () => {
    const stored = Object.entries(catalogue).flatMap(([type, entry]) => [type, ...entry.to.map(({ event }) => event)])
    for (const name of [CONTROL, SNAPSHOT, UNSTORED].flatMap((group) => Object.values<string>(group))) {
      expect(stored).not.toContain(name)
    }
  })
  it('[S9] differ from the events that a browser fires by itself', () => {
    expect(RESERVED_EVENT_NAMES).toEqual(['error', 'open', 'message'])
    for (const name of names) expect(RESERVED_EVENT_NAMES).not.toContain(name)
  })
  it('[Y5] of cards and columns show on a board only in the diff view', () => {
    for (const entry of Object.values(catalogue)) {
      for (const destination of entry.to) {
        if (destination.channel !== 'board') continue
        expect(destination.view, destination.event).toBe(/^(card|column)_/.test(destination.event) ? 'diff' : undefined)
      }
    }
  })
})
