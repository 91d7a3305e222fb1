/**
 * Browsers that refuse what tabs need to share a stream, or whose locks do not work: the tab gets its own stream, and nothing
 * is requested in a loop.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { IDLE } from '../../web/client/base/status.ts'
import { browserTabs, type Locks, type TabChannel, type Tabs } from '../../web/client/tabs/tab-messages.ts'
import { TabSource } from '../../web/client/tabs/tab-source.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
import { fakeConnection } from './support/fake-connection.ts'
import { FakeTransport } from './support/fake-transport.ts'

const refusal = () => new DOMException('Access to the Locks API is denied in this context.', 'SecurityError')

/** Grants every lock, as to a single tab. */
const granting: Locks = {
  request: async (_name, { signal }, callback) => {
    signal?.throwIfAborted()
    return callback()
  },
  query: async () => ({ held: [] }),
}

class QuietChannel implements TabChannel {
  onmessage: TabChannel['onmessage'] = null
  postMessage(): void {}
  close(): void {}
}

class NoChannel extends QuietChannel {
  constructor() {
    super()
    throw refusal()
  }
}

class MuteChannel extends QuietChannel {
  override postMessage(): void {
    throw refusal()
  }
}

const BROWSERS: ReadonlyArray<readonly [what: string, tabs: Tabs]> = [
  [
    'locks are refused',
    { locks: { ...granting, request: () => Promise.reject(refusal()) }, BroadcastChannel: QuietChannel },
  ],
  [
    'locks are refused by a throw',
    {
      locks: {
        ...granting,
        request: () => {
          throw refusal()
        },
      },
      BroadcastChannel: QuietChannel,
    },
  ],
  [
    'locks are never granted',
    { locks: { ...granting, request: () => new Promise(() => undefined) }, BroadcastChannel: QuietChannel },
  ],
  ['there may be no channel', { locks: granting, BroadcastChannel: NoChannel }],
  ['nothing may be sent on the channel', { locks: granting, BroadcastChannel: MuteChannel }],
  [
    'the leader cannot be heard',
    {
      locks: {
        ...granting,
        request: async (name, options, callback) =>
          name === 'hub' ? new Promise(() => undefined) : granting.request(name, options, callback),
      },
      BroadcastChannel: QuietChannel,
    },
  ],
  [
    'every lock is taken away at once',
    {
      locks: {
        ...granting,
        request: async (_name, _options, callback) => {
          void callback()
          throw new DOMException('stolen', 'AbortError')
        },
      },
      BroadcastChannel: QuietChannel,
    },
  ],
]

function open({ locks, BroadcastChannel }: Tabs) {
  const clock = new FakeClock()
  const transport = new FakeTransport()
  const received: string[] = []
  let requests = 0
  const counted: Locks = {
    request(...asked) {
      requests += 1
      return locks.request(...asked)
    },
    query: () => locks.query(),
  }
  const source = new TabSource({
    name: 'hub',
    tabs: { locks: counted, BroadcastChannel },
    clock,
    idle: IDLE,
    listener: {
      frame: ({ event }) => received.push(event),
      checkpoint: () => undefined,
      covered: (channels) => received.push(`covered ${[...channels]}`),
      gap: () => undefined,
      refused: () => undefined,
    },
    connect: (listener, cursor) => fakeConnection({ transport, clock, heartbeatTimeoutMs: 600_000, listener, cursor }),
  })
  return { clock, transport, received, source, requests: () => requests }
}

describe.each(BROWSERS)('[CS8] where %s', (_what, tabs) => {
  test('it is as share: tab', async () => {
    const { clock, transport, received, source, requests } = open(tabs)
    source.want(new Set(['agent:a']), new Set())
    for (let second = 0; second < 60; second++) await clock.pass(1_000)
    expect(transport.streams).toHaveLength(1)
    expect(source.status.get()).toMatchObject({ role: 'alone', phase: 'connecting' })
    transport.stream.hello()
    transport.stream.frame('agent:a', 'output', {}, { seq: 1 })
    expect(received).toEqual(['covered agent:a', 'output'])
    source.want(new Set(['agent:a', 'agent:b']), new Set())
    await clock.pass(0)
    expect(transport.stream.channels).toBe('agent:a,agent:b')
    expect(requests()).toBeLessThan(20)
    source.reconnect()
    await clock.pass(0)
    expect(transport.streams).toHaveLength(3)
    source.close()
    await clock.pass(600_000)
    expect([transport.streams.length, transport.stream.isClosed, source.status.get().phase]).toEqual([
      3,
      true,
      'stopped',
    ])
  })

  test('one that is closed before it knows asks for nothing more', async () => {
    const { clock, transport, source, requests } = open(tabs)
    source.close()
    const before = requests()
    for (let second = 0; second < 60; second++) await clock.pass(1_000)
    expect([transport.streams.filter(({ isClosed }) => !isClosed), requests()]).toEqual([[], before])
  })
})

test('[CS8] a leader that cannot query locks leads anyway', async () => {
  for (const query of [() => Promise.reject(refusal()), () => new Promise<never>(() => undefined)]) {
    const { clock, transport, source } = open({ locks: { ...granting, query }, BroadcastChannel: QuietChannel })
    source.want(new Set(['agent:a']), new Set())
    await clock.pass(1_000)
    await settled()
    await clock.pass(0)
    expect(transport.streams).toHaveLength(1)
    expect(source.status.get().role).toBe('leader')
    source.close()
  }
})

describe('[CS8] what browserTabs returns', () => {
  afterEach(() => vi.unstubAllGlobals())

  test('no locks (plain http beyond this machine), no channel: it cannot share', () => {
    vi.stubGlobal('navigator', {})
    expect(browserTabs()).toBeUndefined()
    vi.stubGlobal('navigator', { locks: granting })
    expect(browserTabs()).toBeDefined()
    vi.stubGlobal('BroadcastChannel', undefined)
    expect(browserTabs()).toBeUndefined()
  })

  test('a browser that throws when one looks', () => {
    vi.stubGlobal('navigator', {
      get locks() {
        throw refusal()
      },
    })
    expect(browserTabs()).toBeUndefined()
  })
})
