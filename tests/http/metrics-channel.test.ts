/** Metrics: read once, and on their channel. Rules MT8 to MT11. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics as metricsSchema } from '../../shared/src/types/metrics.ts'
import { snapshotSources } from '../../src/server/snapshot-sources.ts'
import { newAgentId } from '../support/scenarios/scenario.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeEach(async () => {
  // Periodic work runs when a test triggers it.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  server = await startTestServer()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const updates = (listener: Listener) => listener.named('metric.update')

/** Resolves when the listener has seen everything up to an event to everyone that is committed now. */
async function caughtUp(listener: Listener): Promise<string> {
  const { eventId } = await server.post('/agents', { id: newAgentId() })
  await listener.id(eventId)
  return eventId
}

describe('the channel of metrics', () => {
  it('[MT8] shows them at once on joining, in an envelope with the id reached', async () => {
    const { eventId } = await server.post('/tasks', { name: 'x' })
    await using listener = await listen(server.url, '/sse?channels=metrics')
    const { id, data } = await listener.frame('metric.update')
    expect(listener.frames.map(({ event }) => event)).toEqual(['hello', 'metric.update'])
    expect([id, data.id, data.channel, data.event]).toEqual([eventId, eventId, 'metrics', 'metric.update'])
    expect(metricsSchema.parse(data.data)).toMatchObject({ pending_tasks: 1, actions_per_minute: 1 / 5 })
  })

  it('[MT9] shows them every 5 s, and not because something changed', async () => {
    await using listener = await listen(server.url, '/sse?channels=metrics')
    await listener.frame('metric.update')
    await server.post('/tasks', { name: 'x' })
    vi.advanceTimersByTime(4_999)
    const eventId = await caughtUp(listener)
    expect(updates(listener)).toHaveLength(1)
    vi.advanceTimersByTime(1)
    const second = await listener.until('a second one', () => updates(listener)[1])
    expect([second.id, second.data.data.pending_tasks]).toEqual([eventId, 1])
    vi.advanceTimersByTime(5_000)
    await listener.until('a third one', () => updates(listener)[2])
  })

  it('[MT10] costs nothing while nobody listens', async () => {
    const render = vi.spyOn(snapshotSources.metrics!, 'render')
    vi.advanceTimersByTime(60_000)
    expect(render).not.toHaveBeenCalled()
    await using other = await listen(server.url, '/sse?channels=global')
    const listener = await listen(server.url, '/sse?channels=metrics')
    await listener.frame('metric.update')
    listener.close()
    await vi.waitFor(async () => {
      const health = (await (await fetch(`${server.url}/health`)).json()) as { channelStats: object }
      expect(health.channelStats).not.toHaveProperty('metrics')
    })
    expect(render).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(60_000)
    await caughtUp(other)
    expect(render).toHaveBeenCalledTimes(1)
  })

  it('[MT8] shows them also to clients that resume, and never on other channels', async () => {
    const { eventId } = await server.post('/tasks', { name: 'x' })
    await using other = await listen(server.url, '/sse?channels=global,dashboard')
    await using listener = await listen(server.url, `/sse?channels=metrics&lastEventId=${eventId}`)
    await listener.frame('metric.update')
    vi.advanceTimersByTime(5_000)
    await listener.until('another', () => updates(listener)[1])
    await caughtUp(other)
    expect(updates(other)).toEqual([])
  })
})

it('[MT11] can be read once', async () => {
  await server.post('/tasks', { name: 'x', status: 'running' })
  const { status, body } = await server.call('GET', '/metrics/snapshot')
  expect(status).toBe(200)
  expect(metricsSchema.parse(body)).toMatchObject({ running_tasks: 1, pending_tasks: 0 })
})
