/**
 * Tabs with tokens: who shares a stream, and who must not. Two tabs are two hubs here, with locks that are in this process
 * and the BroadcastChannel of Node, against a real server with rights on.
 *
 * CA7  Tabs share a stream only if their tokens say the same of their holders. The key follows from that, and does not
 *      contain the token.
 */
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createClient, type Hub } from '../../web/client/hub/client.ts'
import { identityOf } from '../../web/client/tabs/identity.ts'
import type { TestServer } from '../support/server.ts'
import { actingAs, type Claims, seconds, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'
import { Collector } from './support/collector.ts'
import { FakeLocks } from './support/fake-locks.ts'
import { Gateway } from './support/gateway.ts'
import { untilStatus } from './support/status.ts'

describe('the key', () => {
  const claims = { sub: 'me', boardcast: { subscribe: ['board:a'] } }
  const keyOf = async (claims: object) => identityOf(await sign({ ...claims }), undefined)

  test('[CA7] another token of the same holder has the same key', async () => {
    const key = await keyOf({ ...claims, exp: seconds(60), iat: seconds(), jti: 'one' })
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(await keyOf({ ...claims, exp: seconds(120), nbf: seconds(), jti: 'two' })).toBe(key)
    expect(await keyOf({ boardcast: claims.boardcast, sub: 'me' })).toBe(key)
  })

  test.each([
    ['another subject', { ...claims, sub: 'you' }],
    ['no subject', { boardcast: claims.boardcast }],
    ['other rights', { ...claims, boardcast: { subscribe: ['board:a', 'board:b'] } }],
    ['an agent of its own', { ...claims, agent_id: 'claude-1' }],
    ['a session of its own', { ...claims, session_id: 's1' }],
    ['another issuer', { ...claims, iss: 'https://elsewhere.example' }],
  ])('[CA7] %s is another key', async (_what, other) => {
    expect(await keyOf(other)).not.toBe(await keyOf(claims))
  })

  test('[CA7] a name that the user gives is part of it', async () => {
    const token = await sign(claims)
    const keys = await Promise.all([undefined, 'a', 'b'].map((named) => identityOf(token, named)))
    expect(new Set(keys).size).toBe(3)
  })

  test('[CA7] passwords: the same one only, and it is not in the key', async () => {
    const [key, other] = await Promise.all(['open sesame', 'a.b.c'].map((password) => identityOf(password, undefined)))
    expect(key).not.toBe(other)
    for (const text of [key, other]) expect(text).toMatch(/^[0-9a-f]{64}$/)
    // Tokens that change and say nothing of their holder: the name alone tells.
    expect(await identityOf('opaque-1', 'user-7')).toBe(await identityOf('opaque-2', 'user-7'))
  })

  test('[CA7] headers tell nothing of whom they speak for', async () => {
    const credentials = { headers: { 'X-Key': 'mine' } }
    expect(await identityOf(credentials, undefined)).toBeUndefined()
    expect(await identityOf(credentials, 'user-7')).toBeDefined()
  })

  test('[CA7] without a digest nothing is shared', async () => {
    vi.stubGlobal('crypto', { getRandomValues: (array: Uint8Array) => array })
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(await identityOf('open sesame', undefined)).toBeUndefined()
  })
})

describe('tabs', () => {
  beforeEach(() => void vi.stubGlobal('navigator', { locks: new FakeLocks() }))
  afterEach(() => void vi.unstubAllGlobals())

  interface Scene {
    readonly server: TestServer
    readonly gateway: Gateway
    readonly owner: ReturnType<typeof actingAs>
  }

  async function scene(): Promise<Scene> {
    const server = await startServerWithRights()
    const gateway = await Gateway.to(server.port)
    onTestFinished(async () => {
      await gateway[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })
    return { server, gateway, owner: actingAs(server, await tokenFor(['*'])) }
  }

  interface FakeTab {
    readonly hub: Hub
    readonly reader: Collector
    token: string | undefined
  }

  /** `token` may be changed later. */
  async function open({ gateway }: Scene, token: string | undefined, channels = ['topic:t']): Promise<FakeTab> {
    const tab = { token }
    const hub = createClient({
      baseUrl: gateway.url,
      share: 'browser',
      backoff: { firstMs: 20, maxMs: 100 },
      auth: () => tab.token,
    })
    onTestFinished(() => hub.close())
    const reader = new Collector()
    hub.subscribe({ channels }, reader)
    return Object.assign(tab, { hub, reader })
  }

  async function role({ hub }: FakeTab, role: string): Promise<void> {
    await untilStatus(hub.status, role, (status) => status.role === role && status.phase === 'open')
  }

  const me = (more: Claims = {}) => tokenFor(['topic:*'], [], { sub: 'me', ...more })
  const post = ({ owner }: Scene, event: string, topic = 't') =>
    owner.post(`/topics/${topic}/events`, { event, data: {} })
  const names = ({ reader }: FakeTab) => reader.frames.map(({ event }) => event)

  test('[CA7] two tabs of one holder have one stream, whatever tokens they have', async () => {
    const it = await scene()
    const first = await open(it, await me())
    await role(first, 'leader')
    const second = await open(it, await me({ exp: seconds(600) }))
    await role(second, 'follower')
    await second.reader.isReady()
    await post(it, 'one')
    await second.reader.count(1)
    await first.reader.count(1)
    expect(it.gateway.streams).toHaveLength(1)
    // The follower leads when the leader is gone, with its own token.
    first.hub.close()
    await role(second, 'leader')
    await post(it, 'two')
    await second.reader.count(2)
    expect(names(second)).toEqual(['one', 'two'])
  })

  test('[CA7] tabs of different holders have a stream each, and nothing reaches the other', async () => {
    const it = await scene()
    const mine = await open(it, await tokenFor(['topic:*'], [], { sub: 'me' }), ['topic:t', 'topic:mine'])
    const yours = await open(it, await tokenFor(['topic:t'], [], { sub: 'you' }))
    await role(mine, 'leader')
    await role(yours, 'leader')
    for (const { reader } of [mine, yours]) await reader.isReady()
    await post(it, 'secret', 'mine')
    await post(it, 'public')
    await mine.reader.count(2)
    await yours.reader.count(1)
    expect([names(mine), names(yours)]).toEqual([['secret', 'public'], ['public']])
    expect(it.gateway.openStreams).toBe(2)
    // One holder's expiry does not concern the other.
    mine.hub.close()
    await post(it, 'after')
    await yours.reader.count(2)
  })

  test('[CA7] a tab where somebody else signs in leaves the others, and misses nothing', async () => {
    const it = await scene()
    const first = await open(it, await me())
    await role(first, 'leader')
    const second = await open(it, await me())
    await role(second, 'follower')
    await second.reader.isReady()
    await post(it, 'one')
    await second.reader.count(1)
    second.token = await tokenFor(['topic:*'], [], { sub: 'you' })
    // What happens before its own stream is open is not lost either.
    it.gateway.refuse(503)
    second.hub.reconnect()
    await vi.waitUntil(() => it.gateway.refusals > 0, 10_000)
    await post(it, 'two')
    it.gateway.pass()
    await role(second, 'leader')
    for (const tab of [first, second]) {
      await tab.reader.count(2)
      expect([names(tab), tab.reader.gaps]).toEqual([['one', 'two'], []])
    }
    expect(first.hub.status.get().role).toBe('leader')
    expect(it.gateway.openStreams).toBe(2)
  })

  test('[CA7] a leader without a good token gives the lead to a tab that has one', async () => {
    const it = await scene()
    const first = await open(it, await me({ exp: seconds(-600) }))
    await untilStatus(first.hub.status, 'the stop', ({ stop }) => stop?.reason === 'unauthenticated')
    const second = await open(it, await me({ exp: seconds(-600) }))
    await untilStatus(second.hub.status, 'the stop', ({ stop, role }) => !!stop && role === 'follower')
    const { requests } = it.gateway
    second.token = await me()
    second.hub.reconnect()
    await role(second, 'leader')
    await role(first, 'follower')
    await post(it, 'one')
    for (const { reader } of [first, second]) await reader.count(1)
    // Nobody has been hammering meanwhile: one stream, and no more.
    expect(it.gateway.requests - requests).toBeLessThan(4)
  })

  test('[CA7] while nothing tells who somebody is, the tab waits, and is not alone for ever', async () => {
    const it = await scene()
    const token = await me()
    let fails = 2
    const hub = createClient({
      baseUrl: it.gateway.url,
      share: 'browser',
      auth: () => {
        if (fails-- > 0) throw new Error('the login is away')
        return token
      },
    })
    onTestFinished(() => hub.close())
    const reader = new Collector()
    hub.subscribe({ channels: ['topic:t'] }, reader)
    await untilStatus(hub.status, 'the reason', ({ detail }) => detail?.includes('the login is away') ?? false)
    await untilStatus(hub.status, 'open', ({ phase, role }) => phase === 'open' && role === 'leader')
  })
})
