import { describe, expect, it } from 'vitest'
import { channelName, isChannelPattern, parseChannel, parseChannelWithView } from '../../shared/src/channels.ts'

describe('channels', () => {
  it.each([
    ['board:demo', 'board', 'demo'],
    ['project:demo', 'project', 'demo'],
    ['issue:crd_1', 'issue', 'crd_1'],
    ['attempt:att_1', 'attempt', 'att_1'],
    ['agent:claude-1', 'agent', 'claude-1'],
    ['session:s.1', 'session', 's.1'],
    ['workflow:run:r1', 'workflow', 'r1'],
    ['shell:terminal:t1', 'shell', 't1'],
    ['topic:a:b:c', 'topic', 'a:b:c'],
    ['dashboard', 'dashboard', ''],
    ['metrics', 'metrics', ''],
    ['global', 'global', ''],
  ])('[K1] %s is a channel of its own name', (name, kind, id) => {
    expect(parseChannel(name)).toEqual({ kind, id, name })
  })

  it.each([
    ['card:crd_1', 'issue:crd_1'],
    ['agents/claude-1', 'agent:claude-1'],
    ['sessions/s1', 'session:s1'],
    ['shell:t1', 'shell:terminal:t1'],
    ['topics/news', 'topic:news'],
    ['*', 'global'],
  ])('[K2] %s is another spelling of %s', (spelling, name) => {
    expect(parseChannel(spelling)).toEqual(parseChannel(name))
    expect(parseChannel(spelling)?.name).toBe(name)
  })

  it.each([
    '',
    'board',
    'board:',
    'Board:demo',
    'board:a b',
    'board:a,b',
    'board:a/b',
    'board:ä',
    'board:a\n',
    'boards/demo',
    'agents/',
    'agents:a',
    'workflow:r1',
    'workflow:run:',
    'shell:',
    'shell:terminal:',
    'dashboard:1',
    'metrics:1',
    'global:1',
    '**',
    'board:*',
    'unknown:1',
  ])('[X5] %j is none', (text) => {
    expect(parseChannel(text)).toBeNull()
  })

  it.each([
    '*',
    'b*',
    'board:*',
    'board:de*',
    'agents/*',
    'card:a*',
    'shell:t*',
    'workflow:*',
    'dash*',
    'board:demo',
    'global',
  ])('[AU2] %s matches channels', (text) => expect(isChannelPattern(text)).toBe(true))

  it.each(['', 'bord:*', 'boards*', 'x*', 'dashboard:*', 'board*:', '**', 'board:a b*', 'metric', 'board:'])(
    '[AU2] %j is no pattern of channels',
    (text) => expect(isChannelPattern(text)).toBe(false),
  )

  it('[K1] a name has at most 256 characters, counted in the first spelling', () => {
    const id = 'x'.repeat(256 - 'agent:'.length)
    expect(parseChannel(`agent:${id}`)?.name).toHaveLength(256)
    expect(parseChannel(`agent:${id}x`)).toBeNull()
    expect(parseChannel(`agents/${id}x`)).toBeNull()
  })

  it('[Q4] a board may be named with its view, and is the diff view without', () => {
    expect(parseChannelWithView('board:demo')).toMatchObject({ name: 'board:demo', view: 'diff' })
    expect(parseChannelWithView('board:demo;diff')).toMatchObject({ name: 'board:demo', view: 'diff' })
    expect(parseChannelWithView('board:demo;full')).toMatchObject({ name: 'board:demo', view: 'full' })
  })

  it.each([
    'board:demo;',
    'board:demo;Full',
    'board:demo;full;full',
    'project:demo;full',
    'dashboard;full',
    '*;full',
    ';full',
  ])('[X5] %j is none', (text) => {
    expect(parseChannelWithView(text)).toBeNull()
  })

  it('[K2] names are written with the prefix of their kind', () => {
    expect(channelName('shell', 't1')).toBe('shell:terminal:t1')
    expect(channelName('global', '')).toBe('global')
  })
})
