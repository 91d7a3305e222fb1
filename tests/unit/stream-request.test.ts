import { describe, expect, it } from 'vitest'
import { ChannelPatterns } from '../../src/base/channel-patterns.ts'
import { Problem } from '../../src/base/errors.ts'
import { parseAgentRequest, parseStreamRequest, type RequestFields } from '../../src/sse/request.ts'
import { parseStart } from '../../src/sse/resume.ts'

const ALL = ChannelPatterns.all

function asking(query: string, headers: Record<string, string> = {}): RequestFields {
  const parameters = new URLSearchParams(query)
  return { header: (name) => headers[name], query: (name) => parameters.get(name) ?? undefined }
}

function channels(query: string): string[] {
  return parseStreamRequest(asking(query), ALL).selection.channels.map(({ name, view, kind }) =>
    kind === 'board' ? `${name};${view}` : name,
  )
}

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
  return 'none'
}

describe('the selection of a stream', () => {
  it.each([
    ['', ['dashboard'], false],
    ['boardId=demo', ['board:demo;full'], false],
    ['projectId=demo', ['board:demo;full'], false],
    ['boardId=a&projectId=b', ['board:a;full'], false],
    ['boardId=demo&view=diff', ['board:demo;diff'], false],
    ['boardId=demo&view=full', ['board:demo;full'], false],
    ['channels=board:demo', ['board:demo;diff'], true],
    ['channels=board:demo;full', ['board:demo;full'], true],
    ['channels=board:demo&view=full', ['board:demo;diff'], true],
    ['channels=*', ['global'], true],
    ['channels= agents/a , card:c,topics/t', ['agent:a', 'issue:c', 'topic:t'], true],
    ['channels=board:a;full,agent:x,board:a,agents/x', ['board:a;full', 'agent:x'], true],
    ['channels=dashboard&colour=red', ['dashboard'], true],
  ])('[Q1] [Q2] [Q3] [Q4] [Q13] %j', (query, expected, isChannelStream) => {
    expect(channels(query)).toEqual(expected)
    expect(parseStreamRequest(asking(query), ALL).isChannelStream).toBe(isChannelStream)
  })

  it('[Q3] accepts 100 channels, and counts two spellings of a channel once', () => {
    const list = Array.from({ length: 100 }, (_, n) => `agent:a${n}`)
    expect(channels(`channels=${list},agents/a7`)).toEqual(list)
    expect(refusal(() => channels(`channels=${list},agent:b`))).toBe('bad_request')
  })

  it.each([
    ['[X2]', 'boardId=', 'bad_request'],
    ['[X2]', 'projectId=', 'bad_request'],
    ['[X2]', 'channels=', 'bad_request'],
    ['[X2]', 'channels=agent:a,,agent:b', 'bad_request'],
    ['[X2]', 'channels=agent:a,', 'bad_request'],
    ['[X3]', 'boardId=demo&channels=agent:a', 'bad_request'],
    ['[X3]', 'projectId=demo&channels=agent:a', 'bad_request'],
    ['[X4]', 'boardId=demo&view=', 'bad_request'],
    ['[X4]', 'boardId=demo&view=Full', 'bad_request'],
    ['[X5]', 'channels=agent:a,nonsense', 'invalid_channel'],
    ['[X5]', 'channels=agent:a;full', 'invalid_channel'],
    ['[X7]', 'limit=0', 'bad_request'],
    ['[X7]', 'limit=-1', 'bad_request'],
    ['[X7]', 'limit=1.5', 'bad_request'],
    ['[X7]', 'limit=', 'bad_request'],
    ['[X7]', 'limit=many', 'bad_request'],
    ['[X7]', 'timeout=0', 'bad_request'],
    ['[X7]', 'timeout=Infinity', 'bad_request'],
    ['[X7]', 'timeout=1s', 'bad_request'],
  ])('%s %j is refused', (_rule, query, code) => {
    expect(refusal(() => parseStreamRequest(asking(query), ALL))).toBe(code)
  })

  it('[Q11] [Q12] takes a limit and a timeout', () => {
    expect(parseStreamRequest(asking('limit=7&timeout=0.25'), ALL)).toMatchObject({ limit: 7, timeoutMs: 250 })
    expect(parseStreamRequest(asking(''), ALL)).toMatchObject({ limit: undefined, timeoutMs: undefined })
    expect(parseStreamRequest(asking('timeout=1e12'), ALL).timeoutMs).toBe(1e15)
  })

  it('[Y12] is the output of an agent, which types can narrow but not widen', () => {
    const passing = (query: string) => {
      const { types } = parseAgentRequest(asking(query), ALL, 'claude-1').selection
      return ['output', 'output_batch', 'agent_started', 'agent_profile'].filter((name) => types.passes(name))
    }
    expect(parseAgentRequest(asking(''), ALL, 'claude-1').selection.channels).toMatchObject([
      { name: 'agent:claude-1' },
    ])
    expect(passing('')).toEqual(['output', 'output_batch'])
    expect(passing('types=*')).toEqual(['output', 'output_batch'])
    expect(passing('types=output')).toEqual(['output'])
    expect(passing('types=output*,agent_*')).toEqual(['output', 'output_batch'])
    expect(passing('types=agent_started')).toEqual([])
    expect(refusal(() => parseAgentRequest(asking(''), ALL, 'claude 1'))).toBe('invalid_channel')
    expect(refusal(() => parseAgentRequest(asking('limit=0'), ALL, 'claude-1'))).toBe('bad_request')
  })
})

describe('the start of a stream', () => {
  const epoch = '5d3c9b1e'
  const start = (query: string, header?: string) =>
    parseStart(asking(query, header === undefined ? {} : { 'Last-Event-ID': header }), epoch, {
      oldest: 10,
      newest: 20,
    })
  const at = (seq: number) => ({ kind: 'resume', seq })
  const fresh = { kind: 'fresh' }

  it.each([
    ['', undefined, fresh],
    ['', '', fresh],
    ['lastEventId=', undefined, fresh],
    ['', `${epoch}-12`, at(12)],
    [`lastEventId=${epoch}-12`, undefined, at(12)],
    [`last_event_id=${epoch}-12`, undefined, at(12)],
    [`since=${epoch}-12`, undefined, at(12)],
    [`lastEventId=${epoch}-12`, `${epoch}-11`, at(11)],
    [`lastEventId=${epoch}-12`, '', at(12)],
    [`since=${epoch}-14&last_event_id=${epoch}-13&lastEventId=${epoch}-12`, undefined, at(12)],
    [`since=${epoch}-14&last_event_id=${epoch}-13&lastEventId=`, undefined, at(13)],
    [`last_event_id=&since=${epoch}-14`, undefined, at(14)],
  ])('[Q8] query %j, header %j', (query, header, expected) => {
    expect(start(query, header)).toEqual(expected)
  })

  it('[Q9] [Q10] now and earliest are accepted only by since', () => {
    expect(start('since=now')).toEqual(at(20))
    expect(start('since=earliest')).toEqual(at(10))
    expect(start('lastEventId=now')).toEqual({ kind: 'gap', requested: 'now', reason: 'invalid', oldest: 10 })
    expect(start('', 'earliest')).toEqual({ kind: 'gap', requested: 'earliest', reason: 'invalid', oldest: 10 })
    expect(start('since=now', `${epoch}-12`)).toEqual(at(12))
    expect(start(`since=now&lastEventId=${epoch}-12`)).toEqual(at(12))
  })

  it('[R1] a cursor is covered from the oldest position to the newest', () => {
    expect(start(`since=${epoch}-10`)).toEqual(at(10))
    expect(start(`since=${epoch}-20`)).toEqual(at(20))
  })

  it.each([
    ['[R9]', `${epoch}-9`, 'trimmed'],
    ['[R10]', '00000000-15', 'epoch'],
    ['[R10]', '00000000-99', 'epoch'],
    ['[R11]', `${epoch}-21`, 'invalid'],
    ['[R11]', 'what', 'invalid'],
  ])('%s %j is answered with a gap: %s', (_rule, requested, reason) => {
    expect(start(`since=${requested}`)).toEqual({ kind: 'gap', requested, reason, oldest: 10 })
    expect(start('', requested)).toEqual({ kind: 'gap', requested, reason, oldest: 10 })
  })
})
