import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { type EventPayload, type EventType, entryOf } from '../../shared/src/catalogue.ts'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import { LogEvent, PayloadEncoder } from '../../src/db/log-event.ts'
import { parseChannelList } from '../../src/sse/channel-list.ts'
import { FrameList } from '../../src/sse/delivery/frame-list.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'

const AT = 1_769_860_800_000
const framing = sseFraming({ chunked: false, gzip: false, envelope: false })
const { board, card, attempt, agent } = exampleIds

function listFor(channels: string, types?: string): FrameList {
  return new FrameList(new Selection(parseChannelList(channels), parseTypeFilter(types)), framing, (seq) => `e-${seq}`)
}

function event<Type extends EventType>(
  seq: number,
  type: Type,
  changes: Partial<EventPayload<Type>> = {},
  actor: string | null = null,
): LogEvent {
  const entry = entryOf(type)
  if (!entry) throw new Error(`${type} is not in the catalogue`)
  const payload = { ...entry.example, ...changes }
  return new LogEvent({ seq, type, at: AT + seq, ...new PayloadEncoder().encode(entry, payload), actor }, payload)
}

const line = (seq: number, message: string) => event(seq, 'attempt.log.appended', { message })
const batch = (seq: number, ...lines: string[]) =>
  `event: output_batch\ndata: ${JSON.stringify({ timestamp: AT + seq, lines })}\nid: e-${seq}\n\n`
const texts = (list: FrameList) => list.take().map(({ text }) => text)

describe('lines of output', () => {
  it('[K11] are held, and become one SSE event with the id and the time of the last', () => {
    const list = listFor(`agent:${agent}`)
    for (const [index, message] of ['a', 'b', 'c'].entries()) list.add(line(index + 1, message))
    expect(list.isEmpty).toBe(true)
    expect(list.isHolding).toBe(true)
    list.release()
    expect(list.isHolding).toBe(false)
    expect(list.take()).toEqual([{ text: batch(3, 'a', 'b', 'c'), first: 1, last: 3, counts: 1, ends: [] }])
    expect(list.isEmpty).toBe(true)
  })

  it('[K11] leave before anything with a higher id', () => {
    const list = listFor(`agent:${agent}`)
    list.add(line(1, 'a'))
    list.add(event(2, 'attempt.started', { agent }))
    list.add(line(3, 'b'))
    expect(texts(list)).toEqual([
      batch(1, 'a'),
      `event: agent_started\ndata: ${JSON.stringify({ agentId: agent, issueId: card, stage: null })}\nid: e-2\n\n`,
    ])
    list.addUnstored({ channel: 'dashboard', event: 'dashboard_overview', data: '{}' }, 4, true)
    expect(texts(list)).toEqual([batch(3, 'b'), 'event: dashboard_overview\ndata: {}\nid: e-4\n\n'])
  })

  it('[K11] are joined up to 256 Ki characters, and those of one event are never split', () => {
    const list = listFor(`agent:${agent}`)
    const lines = (count: number) => Array<string>(count).fill('x'.repeat(65_536))
    for (const [index, count] of [3, 3, 12, 1, 1, 1].entries()) {
      list.add(event(index + 1, 'agent.output.batch', { lines: lines(count) }))
    }
    expect(texts(list)).toEqual([batch(1, ...lines(3)), batch(2, ...lines(3)), batch(3, ...lines(12))])
    list.add(event(7, 'agent.output.batch', { lines: ['y'.repeat(65_536)] }))
    expect(texts(list)).toEqual([batch(7, ...lines(3), 'y'.repeat(65_536))])
    expect(list.isHolding).toBe(false)
  })

  it('[K11] of different actors are not joined, and each frame names its own', () => {
    const selection = new Selection(parseChannelList(`agent:${agent}`), parseTypeFilter(undefined))
    const list = new FrameList(
      selection,
      sseFraming({ chunked: false, gzip: false, envelope: true }),
      (seq) => `e-${seq}`,
    )
    const actors = ['ann', 'ann', 'bob', null, null, 'ann']
    for (const [index, actor] of actors.entries()) {
      list.add(event(index + 1, 'attempt.log.appended', { message: `${index}` }, actor))
    }
    list.release()
    const data = texts(list).map((text) => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? ''))
    expect(data.map(({ actor, data: { lines }, id }) => [actor, lines, id])).toEqual([
      ['ann', ['0', '1'], 'e-2'],
      ['bob', ['2'], 'e-3'],
      [null, ['3', '4'], 'e-5'],
      ['ann', ['5'], 'e-6'],
    ])
  })

  it('[K11] keep waiting past events that do not show', () => {
    const list = listFor(`agent:${agent}`)
    list.add(line(1, 'a'))
    list.add(event(2, 'board.updated'))
    list.add(line(3, 'b'))
    list.release()
    expect(texts(list)).toEqual([batch(3, 'a', 'b')])
  })

  it('[K11] of two agents are not joined', () => {
    const list = listFor('agent:a,agent:b')
    list.add(event(1, 'attempt.log.appended', { agentId: 'a', message: 'one' }))
    list.add(event(2, 'attempt.log.appended', { agentId: 'b', message: 'two' }))
    list.release()
    expect(texts(list)).toEqual([batch(1, 'one'), batch(2, 'two')])
  })

  it('[K11] are joined up to 1,000 lines, which are sent at once', () => {
    const list = listFor(`agent:${agent}`)
    for (let seq = 1; seq <= 2_500; seq++) list.add(line(seq, `${seq}`))
    const full = list.take()
    expect(full.map(({ first, last }) => [first, last])).toEqual([
      [1, 1_000],
      [1_001, 2_000],
    ])
    list.release()
    expect(list.take().map(({ first, last }) => [first, last])).toEqual([[2_001, 2_500]])
  })

  it('[K11] are joined up to 262,144 characters, unless a single line is longer', () => {
    const list = listFor(`agent:${agent}`)
    for (const [index, length] of [200_000, 62_144, 1, 300_000, 1].entries())
      list.add(line(index + 1, 'x'.repeat(length)))
    list.release()
    expect(list.take().map(({ first, last }) => [first, last])).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ])
  })

  it('[K7] are not joined where they show under another name as well', () => {
    const list = listFor(`attempt:${attempt},agent:${agent}`)
    list.add(line(1, 'a'))
    list.add(line(2, 'b'))
    expect(list.isHolding).toBe(false)
    const log = (message: string) =>
      JSON.stringify({ attemptId: attempt, level: 'info', message, ts: '2026-01-31T12:00:00.000Z', stream: 'stdout' })
    expect(texts(list)).toEqual([
      `event: attempt_log\ndata: ${log('a')}\n\n`,
      batch(1, 'a'),
      `event: attempt_log\ndata: ${log('b')}\n\n`,
      batch(2, 'b'),
    ])
  })

  it('[K11] however they are mixed with other events, none is lost and ids never decrease', () => {
    const kinds = fc.array(fc.constantFrom('line', 'started', 'elsewhere', 'release'), { maxLength: 60 })
    fc.assert(
      fc.property(kinds, (sequence) => {
        const list = listFor(`agent:${agent}`)
        const sent: string[] = []
        for (const [seq, kind] of sequence.entries()) {
          if (kind === 'line') list.add(line(seq, `${seq}`))
          else if (kind === 'started') list.add(event(seq, 'attempt.started', { agent }))
          else if (kind === 'elsewhere') list.add(event(seq, 'board.updated'))
          else list.release()
          sent.push(...texts(list))
        }
        list.release()
        sent.push(...texts(list))
        const ids = sent.map((text) => Number(/^id: e-(\d+)/m.exec(text)?.[1]))
        expect(ids).toEqual([...ids].sort((a, b) => a - b))
        const lines = sent.flatMap((text) => JSON.parse(/data: (.*)\n/.exec(text)?.[1] ?? '').lines ?? [])
        expect(lines).toEqual(sequence.flatMap((kind, seq) => (kind === 'line' ? [`${seq}`] : [])))
      }),
    )
  })
})

describe('events under several names', () => {
  const names = (list: FrameList) =>
    texts(list).flatMap((text) => [...text.matchAll(/event: (.*)\n/g)].map(([, name]) => name))

  it('[K6] show once per name', () => {
    const list = listFor(`board:${board},attempt:${attempt},project:${board},issue:${card}`)
    list.add(event(1, 'attempt.status.changed'))
    list.add(event(2, 'card.updated'))
    expect(names(list)).toEqual(['attempt_status', 'card_updated', 'issue_updated'])
  })

  it('[K6] show once where the domain name is also the name on another channel', () => {
    for (const [channels, shown] of [
      [`global,project:${board}`, `{"boardId":"${board}","operation":"rebase","ok":true,"details":{"onto":"main"}}`],
      [`project:${board},global`, '{"operation":"rebase","ok":true,"details":{"onto":"main"}}'],
    ] as const) {
      const list = listFor(channels)
      list.add(event(1, 'git.operation.completed'))
      expect(texts(list)).toEqual([`event: git.operation.completed\ndata: ${shown}\nid: e-1\n\n`])
    }
  })

  it('[K7] stay together, the last of them has the id, and they count once', () => {
    const list = listFor(`board:${board},global`)
    list.add(event(1, 'board.updated'))
    const frames = list.take()
    expect(frames.map(({ counts }) => counts)).toEqual([0, 1])
    expect(frames.map(({ isPartial }) => isPartial ?? false)).toEqual([true, false])
    const text = frames.map((frame) => frame.text).join('')
    expect([...text.matchAll(/^(id|event): (.*)$/gm)].map(([line]) => line)).toEqual([
      'event: board_updated',
      'event: board.updated',
      'id: e-1',
    ])
  })

  it('[K9] events of agents reach everyone, and global under both names', () => {
    const list = listFor('topic:other,global')
    list.add(event(1, 'agent.registered'))
    expect(names(list)).toEqual(['agent_registered', 'agent.registered'])
    const filtered = listFor('topic:other', 'card_*')
    filtered.add(event(1, 'agent.registered'))
    expect(names(filtered)).toEqual([])
  })

  it('[E2] the deletion of a board ends its channels, shown or not', () => {
    for (const types of [undefined, 'card_*']) {
      const list = listFor(`board:${board},project:${board},topic:other`, types)
      list.add(event(1, 'board.deleted'))
      const [frame] = list.take()
      expect(frame?.ends).toEqual([`board:${board}`, `project:${board}`])
      expect(frame?.counts).toBe(types ? 0 : 1)
    }
  })
})
