/** What a subject may see decides about events to everyone, and about whose overview is rendered and refreshed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { catalogue, type Entry, type EventPayload, type EventType, entryOf } from '../../shared/src/catalogue.ts'
import { EVERYONE } from '../../shared/src/protocol.ts'
import { EVERY_TYPE } from '../../shared/src/type-filter.ts'
import { ChannelPatterns } from '../../src/base/channel-patterns.ts'
import { LogEvent, PayloadEncoder } from '../../src/db/log-event.ts'
import { Snapshot } from '../../src/db/snapshot.ts'
import { snapshotSources } from '../../src/server/snapshot-sources.ts'
import { Bus } from '../../src/sse/bus.ts'
import { parseChannelList } from '../../src/sse/channel-list.ts'
import type { Segment } from '../../src/sse/delivery/audience.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import { type SnapshotSources, textRendering } from '../../src/sse/delivery/snapshot-source.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'

const { agent, board } = exampleIds
const framing = sseFraming({ chunked: false, gzip: false, envelope: false })

function event<Type extends EventType>(type: Type, changes: Partial<EventPayload<Type>> = {}, seq = 8): LogEvent {
  const entry = entryOf(type)
  if (!entry) throw new Error(`${type} is not in the catalogue`)
  return new LogEvent({ seq, type, at: 0, ...new PayloadEncoder().encode(entry, { ...entry.example, ...changes }) })
}

function selection(channels: string, ...sees: string[]): Selection {
  return new Selection(parseChannelList(channels), EVERY_TYPE, { sees: ChannelPatterns.of(sees) })
}

const namesOf = (selected: Selection, shown: LogEvent) => selected.view(shown).map(({ event: name }) => name)

test.each([
  ['one channel', 'topic:x'],
  ['several channels', 'topic:x,board:other'],
])('[RS2] an event about an agent is seen by who may see its channel, with %s', (_, channels) => {
  const registered = event('agent.registered')
  // Asked twice: the answer for a type is remembered where it is the same for every payload.
  for (const _ of [1, 2]) {
    expect(namesOf(selection(channels, '*'), registered)).toEqual(['agent_registered'])
    expect(namesOf(selection(channels, `agent:${agent}`), registered)).toEqual(['agent_registered'])
    expect(namesOf(selection(channels, 'agent:another', 'topic:*'), registered)).toEqual([])
    expect(namesOf(selection(channels, 'agent:another'), event('agent.registered', { agentId: 'another' }))).toEqual([
      'agent_registered',
    ])
  }
})

test('[RS2] a profile is seen by who may see its agent or its board', () => {
  const changed = event('agent.profile.changed', { boardId: board })
  expect(namesOf(selection('topic:x', `board:${board}`), changed)).toEqual(['agent_profile'])
  expect(namesOf(selection('topic:x', `agent:${agent}`), changed)).toEqual(['agent_profile'])
  expect(namesOf(selection('topic:x', 'board:another'), changed)).toEqual([])
  expect(namesOf(selection('topic:x', 'board:*'), event('agent.profile.changed', { boardId: null }))).toEqual([])
})

test('[RS2] a message to everyone is seen by everybody, and on `global` an event shows whatever it concerns', () => {
  const message = event('message.new', { to_agent: null, topic: null })
  expect(namesOf(selection('topic:x', 'topic:x'), message)).toEqual(['message.new'])
  expect(namesOf(selection('global', 'global'), event('agent.registered'))).toEqual(['agent.registered'])
})

test('[RS2] every event to everyone names what it concerns, but messages, which are for everybody', () => {
  const forAll = Object.entries<Entry>(catalogue).flatMap(([type, { to }]) =>
    to.some(({ channel, concerns }) => channel === EVERYONE && !concerns) ? [type] : [],
  )
  expect(forAll).toEqual(['message.new', 'message.read', 'message.expired'])
})

test('[RS2] a channel that is joined or left changes nothing about what the subject may see', () => {
  const first = selection('topic:x,topic:y', 'topic:*')
  const [other] = parseChannelList('topic:z')
  for (const changed of [first.with(other as never), first.without(['topic:x']), first.of([])]) {
    expect(namesOf(changed, event('agent.registered'))).toEqual([])
  }
})

test('[RS2] subjects that see the same share an audience, and others do not', () => {
  expect(selection('topic:x', 'topic:*', 'topic:x').key).toBe(selection('topic:x', 'topic:*').key)
  expect(selection('topic:x', 'topic:*').key).not.toBe(selection('topic:x', 'topic:x').key)
  expect(selection('topic:x', '*').key).toBe(new Selection(parseChannelList('topic:x'), EVERY_TYPE).key)
})

/** Listeners of the dashboard over an empty store: what each was sent, and for whom it was rendered. */
function dashboards() {
  const bus = new Bus(7, (seq) => `e-${seq}`, raise)
  const rendered: string[] = []
  const sources: SnapshotSources = {
    dashboard: {
      ...(snapshotSources.dashboard as never as NonNullable<SnapshotSources['dashboard']>),
      async render(_sql, _id, sees) {
        rendered.push(sees.key)
        return textRendering(`{"for":"${sees.key}"}`)
      },
    },
  }
  const store = {
    read: (work: (snapshot: Snapshot) => Promise<unknown>) =>
      work(new Snapshot(undefined as never, 'e', { oldest: 0, newest: bus.head })),
  }
  const snapshots = new Snapshots(store as never, bus, sources, raise)
  function listen(...sees: string[]): string[] {
    const got: string[] = []
    const member = {
      offer: ({ frames }: Segment) =>
        void got.push(...frames.flatMap(({ text }) => /dashboard_overview\ndata: (.*)/.exec(text)?.[1] ?? [])),
    }
    bus.subscribe(selection('dashboard', ...sees), framing).audience.join(member)
    return got
  }
  async function publish<Type extends EventType>(type: Type, changes: Partial<EventPayload<Type>>): Promise<void> {
    const published = event(type, changes, bus.head + 1)
    bus.publish([published], published.seq)
    snapshots.published([published])
    await vi.advanceTimersByTimeAsync(1_000)
  }
  return { snapshots, rendered, listen, publish }
}

function raise(error: unknown): never {
  throw error
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('[RS3] the overview is rendered once for each set of rights, and only if the change concerns it', async () => {
  const { snapshots, rendered, listen, publish } = dashboards()
  const all = listen('*')
  const one = listen('dashboard', 'board:one')
  const same = listen('dashboard', 'board:one')
  const another = listen('dashboard', 'board:another', 'agent:coder')
  await publish('column.deleted', { boardId: 'one' })
  expect(rendered.toSorted()).toEqual(['*', 'board:one,dashboard'])
  expect([all.length, one.length, same.length, another.length]).toEqual([1, 1, 1, 0])
  expect(one).toEqual(['{"for":"board:one,dashboard"}'])
  await publish('board.created', { boardId: 'another' })
  expect([all.length, one.length, same.length, another.length]).toEqual([2, 1, 1, 1])
  await publish('agent.connected', { agent_id: 'coder' })
  expect([all.length, one.length, same.length, another.length]).toEqual([3, 1, 1, 2])
  await publish('attempt.status.changed', { boardId: 'unseen', agent: 'coder' })
  expect([all.length, one.length, same.length, another.length]).toEqual([4, 1, 1, 3])
  await publish('agent.registered', { agentId: 'another', agent: 'another' })
  expect([all.length, one.length, same.length, another.length]).toEqual([5, 1, 1, 3])
  snapshots.stop()
})

test('[RS3] time alone refreshes every overview', async () => {
  const { snapshots, listen } = dashboards()
  const got = [listen('*'), listen('dashboard', 'board:one')]
  await vi.advanceTimersByTimeAsync(30_000)
  expect(got).toEqual([['{"for":"*"}'], ['{"for":"board:one,dashboard"}']])
  snapshots.stop()
})

test('[RS3] a newcomer gets the overview of its own rights', async () => {
  const { snapshots } = dashboards()
  const texts = []
  for (const sees of ['board:one', '*', 'board:one']) {
    const { snapshots: shown } = await snapshots.opening(selection('dashboard', sees), false)
    texts.push(shown[0]?.data)
  }
  expect(texts).toEqual(['{"for":"board:one"}', '{"for":"*"}', '{"for":"board:one"}'])
  snapshots.stop()
})
