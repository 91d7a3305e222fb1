/** Lines of output on the channel of an agent. Rules K10 and K11. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, makeWork, positionOf } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 200 })
})
afterAll(() => server[Symbol.asyncDispose]())

const batches = (listener: Listener) => listener.named('output_batch')
const lines = (listener: Listener) => batches(listener).flatMap(({ data }) => data.lines ?? data.data.lines)
const numbers = (length: number) => Array.from({ length }, (_, n) => `${n}`)

describe('output_batch', () => {
  it('[K10] shows the lines of an attempt on its agent, with the id and the time of the last', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=agent:${attempt.agent}`)
    const { eventId } = await appendLines(server, attempt.id, ['one', 'two\n', ''])
    const { id, data } = await listener.frame('output_batch')
    expect(id).toBe(eventId)
    expect(data.data).toEqual({ timestamp: data.timestamp, lines: ['one', 'two\n', ''] })
    expect(Object.keys(data.data)).toEqual(['timestamp', 'lines'])
  })

  it('[K11] joins the lines of several posts', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/events/${attempt.agent}`)
    const answers: Array<{ eventId: string }> = []
    for (let n = 0; n < 40; n++) answers.push(await appendLines(server, attempt.id, [`${n}`]))
    await listener.id(answers.at(-1)!.eventId)
    expect(lines(listener)).toEqual(numbers(40))
    expect(batches(listener).length).toBeLessThan(40)
    const posted = answers.map(({ eventId }) => eventId)
    for (const { id, data } of batches(listener)) expect(id).toBe(posted[Number(data.lines.at(-1))])
  })

  it('[K11] has at most 1,000 lines, and is sent when it has them', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/events/${attempt.agent}`)
    await appendLines(server, attempt.id, numbers(1_000))
    const { eventId } = await appendLines(server, attempt.id, numbers(1_000))
    await listener.id(eventId)
    expect(lines(listener)).toEqual([...numbers(1_000), ...numbers(1_000)])
    for (const { data } of batches(listener)) expect(data.lines.length).toBeLessThanOrEqual(1_000)
    expect(batches(listener)[0]?.data.lines).toHaveLength(1_000)
  })

  it('[K11] is sent before anything with a higher id', async () => {
    const { attempt, card } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=agent:${attempt.agent}`)
    for (let round = 0; round < 20; round++) {
      await appendLines(server, attempt.id, [`${round}`])
      const assignedAgentId = round % 2 === 0 ? attempt.agent : null
      await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId })
    }
    const { eventId } = await appendLines(server, attempt.id, ['last'])
    await listener.id(eventId)
    const marked = listener.frames.flatMap(({ id }) => (id === undefined ? [] : [positionOf(id)]))
    expect(marked).toEqual([...marked].sort((a, b) => a - b))
    expect(lines(listener)).toEqual([...numbers(20), 'last'])
    // Every assignment came after the line that was posted before it.
    const order = listener.frames.map(({ event, data }) =>
      event === 'agent_assigned' ? 'A' : (data.data.lines ?? []).join(' '),
    )
    expect(order.filter((text) => text !== '').slice(0, 3)).toEqual(['0', 'A', expect.stringMatching(/^1/)])
  })

  it('[K11] [I4] is sent before a heartbeat', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/events/${attempt.agent}`)
    const posted = new Map<string, string>()
    while (listener.named('heartbeat').length < 3) {
      const text = `${posted.size}`
      posted.set(text, (await appendLines(server, attempt.id, [text])).eventId)
    }
    for (const [index, { event, id }] of listener.frames.entries()) {
      if (event !== 'heartbeat') continue
      const before = new Set(listener.frames.slice(0, index).flatMap(({ data }) => data.lines ?? []))
      const due = [...posted].filter(([, eventId]) => positionOf(eventId) <= positionOf(id ?? '')).map(([text]) => text)
      for (const text of due) expect(before).toContain(text)
    }
  })

  it('[K11] is joined in replay as well', async () => {
    const { attempt } = await makeWork(server)
    for (const text of numbers(30)) await appendLines(server, attempt.id, [text])
    const { eventId } = await appendLines(server, attempt.id, ['last'])
    await using listener = await listen(server.url, `/events/${attempt.agent}?since=${attempt.eventId}`)
    await listener.id(eventId)
    expect(batches(listener).map(({ id, data }) => [id, data.lines])).toEqual([[eventId, [...numbers(30), 'last']]])
  })

  it('[K11] a listener that joins while lines are held gets them once', async () => {
    const { attempt } = await makeWork(server)
    const path = `/events/${attempt.agent}?since=${attempt.eventId}`
    await using first = await listen(server.url, path)
    const late: Listener[] = []
    for (const text of numbers(20)) {
      await appendLines(server, attempt.id, [text])
      late.push(await listen(server.url, path))
    }
    const { eventId } = await appendLines(server, attempt.id, ['last'])
    for (const listener of [first, ...late]) {
      await listener.id(eventId)
      expect(lines(listener)).toEqual([...numbers(20), 'last'])
      listener.close()
    }
  })

  it('[K7] [K11] is not joined if the lines show under another name as well', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=agent:${attempt.agent},attempt:${attempt.id}`)
    const { eventId } = await appendLines(server, attempt.id, ['one', 'two'])
    await listener.id(eventId)
    const epoch = eventId.split('-')[0]
    const before = `${epoch}-${positionOf(eventId) - 1}`
    const shown = listener.frames.slice(1).filter(({ event }) => event !== 'heartbeat')
    expect(shown.map(({ id, data }) => [id, data.id])).toEqual([
      [undefined, before],
      [before, before],
      [undefined, eventId],
      [eventId, eventId],
    ])
    expect(lines(listener)).toEqual(['one', 'two'])
  })
})
