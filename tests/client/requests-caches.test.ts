/**
 * A cache between client and server that keeps answers of the API against the server's headers: nginx with
 * `proxy_cache_valid` that ignores our headers. The client never shows an outdated answer as live.
 */
import { describe, expect, test } from 'vitest'
import { createClient } from '../../web/client/index.ts'
import { boardState, makeBoard, makeCard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'
import { CachingNginx, nginxMissing } from './support/nginx.ts'
import { until } from './support/until.ts'

const KEEPS =
  'proxy_cache answers; proxy_cache_valid 200 10m; proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;'
/** Ignores the query too, so that a client cannot bypass it. */
const BLIND = `${KEEPS} proxy_cache_key $uri;`

async function scene(directives: string) {
  const server = await startTestServer()
  const nginx = await CachingNginx.to(server.port, directives)
  const { id } = await makeBoard(server)
  const hub = createClient({ baseUrl: nginx.url, share: 'none', backoff: { firstMs: 10, maxMs: 50 } })
  return {
    server,
    nginx,
    id,
    hub,
    read: (path: string) => fetch(`${nginx.url}/api/v1${path}`).then((answer) => answer.json()),
    async [Symbol.asyncDispose]() {
      hub.close()
      await nginx[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe.skipIf(nginxMissing)('[CL31] behind a cache that keeps answers', () => {
  test('a board that another client has read before is as the server has it', async () => {
    await using it = await scene(KEEPS)
    const before = await it.read(`/boards/${it.id}`)
    await makeCard(it.server, it.id)
    expect(await it.read(`/boards/${it.id}`)).toEqual(before)
    const board = it.hub.board(it.id)
    const phases: string[] = []
    const { state } = await until(board, 'live', ({ phase, state }) => {
      phases.push(`${phase} ${Object.keys(state?.cards ?? {}).length}`)
      return phase === 'live'
    })
    expect(state).toEqual(await boardState(it.server, it.id))
    expect(phases).not.toContain('live 0')
  })

  test('a board that was asked for before it was made', async () => {
    await using it = await scene(KEEPS.replace('valid 200', 'valid any'))
    expect(await it.read('/boards/later')).toMatchObject({ code: 'board_not_found' })
    await makeBoard(it.server, 'later')
    expect(await it.read('/boards/later')).toMatchObject({ code: 'board_not_found' })
    const { state } = await until(it.hub.board('later'), 'live', ({ phase }) => phase === 'live')
    expect(state).toEqual(await boardState(it.server, 'later'))
  })

  test('a reader with `since` gets every event, though the page was kept from before', async () => {
    await using it = await scene(KEEPS)
    const first = await makeCard(it.server, it.id)
    // As the library requests it.
    await it.read(`/events?channels=board%3A${it.id}&limit=1000&after=${first.eventId}`)
    const ids = [(await makeCard(it.server, it.id)).eventId, (await makeCard(it.server, it.id)).eventId]
    const heard: string[] = []
    for await (const { id } of it.hub.subscribe({ channels: [`board:${it.id}`], since: first.eventId })) {
      heard.push(id)
      if (id === ids[1]) break
    }
    expect(heard).toEqual(ids)
  })

  test('a resource without a cursor: an attempt', async () => {
    await using it = await scene(KEEPS)
    const card = await makeCard(it.server, it.id)
    const { id } = await it.server.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'a' })
    await it.read(`/attempts/${id}`)
    await it.server.call('PATCH', `/attempts/${id}`, { status: 'running' })
    const store = it.hub.attempt(id)
    const { attempt } = await until(store, 'live', ({ phase }) => phase === 'live')
    expect(attempt?.status).toBe('running')
  })

  test('a read after an own change includes it', async () => {
    await using it = await scene(KEEPS)
    await it.hub.request('GET', `/boards/${it.id}`)
    await it.hub.request('PATCH', `/boards/${it.id}`, { name: 'Changed' })
    const { body } = await it.hub.request<{ board: { name: string } }>('GET', `/boards/${it.id}`)
    expect(body.board.name).toBe('Changed')
  })

  test('a cache that cannot be bypassed is an error, and the store is never live', async () => {
    await using it = await scene(BLIND)
    await it.read(`/boards/${it.id}`)
    await makeCard(it.server, it.id)
    const board = it.hub.board(it.id)
    const { error, state } = await until(board, 'the error', ({ phase }) => phase === 'error' || phase === 'live')
    expect([error?.message, state]).toEqual([expect.stringMatching(/older than .* cache/), null])
  })
})
