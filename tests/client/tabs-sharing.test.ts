/**
 * Tabs that share one stream, with a fake clock, fake locks and fake channels: for what takes a minute, or needs an order of
 * messages that no browser can be made to produce.
 *
 * CS2  The next leader resumes from the furthest cursor of all tabs.
 * CS6  A leader that hangs loses its lock; when it wakes it follows.
 * CS7  Messages of a tab that no longer leads are ignored.
 */
import { expect, test } from 'vitest'
import { IDLE } from '../../web/client/base/status.ts'
import type { StreamSource } from '../../web/client/base/types.ts'
import type { Locks, SentMessage, TabChannel, Tabs } from '../../web/client/tabs/tab-messages.ts'
import { TabSource } from '../../web/client/tabs/tab-source.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
import { fakeConnection } from './support/fake-connection.ts'
import { FakeLocks } from './support/fake-locks.ts'
import { EPOCH, FakeTransport } from './support/fake-transport.ts'

const at = (seq: number) => `${EPOCH}-${seq}`

interface FakeTab {
  readonly source: StreamSource
  readonly transport: FakeTransport
  readonly received: string[]
  /** Messages of the others do not reach it. */
  isDeaf: boolean
  /** Its messages do not reach the others. */
  isMute: boolean
}

function browser() {
  const clock = new FakeClock()
  const locks = new FakeLocks()
  const channels = new Set<TabChannel & { deliver(message: SentMessage): void }>()

  /** `isSlow`: its requests for locks take a while. */
  function open(isSlow = false): FakeTab {
    const transport = new FakeTransport()
    const received: string[] = []
    class Channel implements TabChannel {
      onmessage: TabChannel['onmessage'] = null
      constructor() {
        channels.add(this)
      }
      postMessage(message: SentMessage): void {
        if (tab.isMute) return
        for (const other of channels) if (other !== this) other.deliver(structuredClone(message))
      }
      deliver(message: SentMessage): void {
        if (!tab.isDeaf) queueMicrotask(() => this.onmessage?.({ data: message }))
      }
      close(): void {
        channels.delete(this)
      }
    }
    const tab = { transport, received, isDeaf: false, isMute: false }
    const slowLocks: Locks = {
      request: async (...asked) => settled().then(() => locks.request(...asked)),
      query: () => locks.query(),
    }
    const tabs: Tabs = { locks: isSlow ? slowLocks : locks, BroadcastChannel: Channel }
    const source = new TabSource({
      name: 'hub',
      tabs,
      clock,
      idle: IDLE,
      listener: {
        frame: ({ event, id }) => received.push(`${event} ${id}`),
        checkpoint: () => undefined,
        covered: (channels, cursor) => received.push(`covered ${[...channels]} from ${cursor}`),
        gap: ({ reason }) => received.push(`gap ${reason}`),
        refused: (channels) => received.push(`refused ${channels}`),
      },
      connect: (listener, cursor) =>
        fakeConnection({ transport, clock, heartbeatTimeoutMs: 600_000, listener, cursor }),
    })
    return Object.assign(tab, { source })
  }
  /** As a tab that is none of ours. */
  function say(message: SentMessage): void {
    for (const channel of channels) channel.deliver(message)
  }
  return { clock, open, say }
}

const output = (tab: FakeTab, seq: number) => tab.transport.stream.frame('agent:a', 'output', {}, { seq })

async function three() {
  const { clock, open, say } = browser()
  const [first, second, third] = [open(), open(), open()] as const
  for (const tab of [first, second, third]) tab.source.want(new Set(['agent:a']), new Set())
  await clock.pass(500)
  first.transport.stream.hello({ seq: 1 })
  await clock.pass(0)
  const roles = () => [first, second, third].map(({ source }) => source.status.get().role)
  expect(roles()).toEqual(['leader', 'follower', 'follower'])
  return { clock, first, second, third, roles, say, open }
}

test('[CS2] the next leader resumes from the furthest cursor of all tabs', async () => {
  const { clock, first, second, third, roles } = await three()
  second.isDeaf = true
  output(first, 2)
  output(first, 3)
  await settled()
  second.isDeaf = false
  expect(third.received.at(-1)).toBe(`output ${at(3)}`)
  expect(second.received.at(-1)).toBe(`covered agent:a from ${at(1)}`)
  first.source.close()
  await clock.pass(500)
  expect(roles().slice(1)).toEqual(['leader', 'follower'])
  expect(first.transport.stream.isClosed).toBe(true)
  // Its readers are further back, and read the log.
  expect(second.transport.stream.request.cursor).toBe(at(3))
  second.transport.stream.hello({ seq: 3 })
  output(second, 4)
  await settled()
  for (const tab of [second, third])
    expect(tab.received.slice(-2)).toEqual([`covered agent:a from ${at(3)}`, `output ${at(4)}`])
  for (const tab of [second, third]) tab.source.close()
})

test('[CS3] a tab that is still joining is not taken for closed', async () => {
  const { clock, first, second, third, open } = await three()
  const late = open(true)
  late.source.want(new Set(['agent:b']), new Set())
  for (let turn = 0; turn < 5; turn++) await settled()
  await clock.pass(0)
  expect(first.transport.stream.channels).toBe('agent:a,agent:b')
  // Others change what they want, and its channels stay.
  second.source.want(new Set(['agent:c']), new Set())
  await clock.pass(0)
  expect(first.transport.stream.channels).toBe('agent:a,agent:b,agent:c')
  for (const tab of [first, second, third, late]) tab.source.close()
})

test('[CS7] only messages of the leader count', async () => {
  const { first, second, third, say } = await three()
  const frame = { channel: 'agent:a', event: 'output', data: {}, timestamp: 1, id: at(9) }
  say({ kind: 'relay', from: 'another', calls: [['frame', frame, true]] })
  output(first, 2)
  await settled()
  for (const tab of [first, second, third]) expect(tab.received.slice(1)).toEqual([`output ${at(2)}`])
  for (const tab of [first, second, third]) tab.source.close()
})

test('[CS6] [CS7] a leader that hangs is replaced, and follows when it wakes', async () => {
  const { clock, first, second, third, roles } = await three()
  output(first, 2)
  await settled()
  first.isMute = true
  output(first, 3)
  await clock.pass(59_000)
  expect(roles()).toEqual(['leader', 'follower', 'follower'])
  first.isMute = false
  await clock.pass(14_000)
  expect(roles().filter((role) => role === 'leader')).toHaveLength(1)
  expect(roles()[0]).toBe('follower')
  const leader = second.source.status.get().role === 'leader' ? second : third
  expect(first.transport.stream.isClosed).toBe(true)
  // Only this tab got the third event.
  expect(leader.transport.stream.request.cursor).toBe(at(3))
  leader.transport.stream.hello({ seq: 3 })
  output(leader, 4)
  await settled()
  for (const tab of [second, third])
    expect(tab.received.slice(-2)).toEqual([`covered agent:a from ${at(3)}`, `output ${at(4)}`])
  // This message reaches no one.
  output(first, 5)
  await settled()
  for (const tab of [first, second, third]) expect(tab.received.at(-1)).toBe(`output ${at(4)}`)
  for (const tab of [first, second, third]) tab.source.close()
})
