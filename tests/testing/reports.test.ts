/** What failing matchers say. Rules CMD37d, CMD38a and CMD38b of docs/testing.md. */
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type EventStream, openStream, startServer, type TestServer } from '../../src/testing/index.ts'
import { failing } from './support/failing.ts'
import { startTamperingProxy, type Tamper } from './support/tampering-proxy.ts'

let server: TestServer
let stream: EventStream
let boards = 0
let board: string
/** The sequence number that the stream begins after. */
let began: number
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  boards += 1
  board = `b${boards}`
  await server.api.post('/boards', { id: board, name: 'Board' })
  stream = await openStream(server.url, { board })
  began = Number(stream.cursor.split('-')[1])
})

/** A card that is made, renamed and moved. */
async function work(on = stream) {
  const card = await server.api.post(`/boards/${board}/cards`, { title: 'Hello', labels: ['bug'] })
  await server.api.patch(`/cards/${card.id}`, { title: 'Hello again' })
  await server.api.post(`/cards/${card.id}/move`, { columnKey: 'review' })
  await on.next({ type: 'card_moved' })
  return card
}

const soon = { within: 0 }

async function report(assertion: Promise<unknown>): Promise<string> {
  const text = (await failing(assertion)).replaceAll(board, 'demo')
  return `\n${text.replace(/ID-(\d+)/g, (_, seq) => `ID-${Number(seq) - began}`)}\n`
}

describe('[CMD37d] a report shows', () => {
  beforeEach(async () => {
    await work()
  })

  test('a wrong value', async () => {
    const pattern = { type: 'card_created', data: { index: 0, card: { title: 'Bye', labels: ['bug'] } } }
    expect(await report(expect(stream).toReceiveEvent(pattern, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_created where index = 0, card.title = "Bye", card.labels = ["bug"]  card_created, 1 or more; 1 of that type came
          closest  ID-1 TIME on board:demo
            ✓ index        0
            ✗ card.title   - expected "Bye"
                           + received "Hello"
            ✓ card.labels  ["bug"]
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('a value that an asymmetric matcher refuses', async () => {
    const data = { revision: expect.any(String), toIndex: expect.any(Number) }
    expect(await report(expect(stream).toReceiveEvent({ type: 'card_moved', data }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_moved where revision = Any<String>, toIndex = Any<Number>  card_moved, 1 or more; 1 of that type came
          closest  ID-3 TIME on board:demo
            ✗ revision  - expected Any<String>
                        + received 3
            ✓ toIndex   Any<Number>
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('a field that is not there', async () => {
    const data = { to: { columnKey: 'review' } }
    expect(await report(expect(stream).toReceiveEvent({ type: 'card_moved', data }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_moved where to.columnKey = "review"  card_moved, 1 or more; 1 of that type came
          closest  ID-3 TIME on board:demo
            ✗ to.columnKey  - expected "review"
                            + received nothing
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('an event that has not come', async () => {
    expect(await report(expect(stream).toReceiveEvent({ type: 'attempt_started' }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        attempt_started  1 or more; none of that type came
          closest  ID-3 TIME on board:demo
            ✗ @event  - expected attempt_started
                      + received "card_moved"
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('a name that no event has', async () => {
    expect(await report(expect(stream).toReceiveEvent({ type: 'card.moved' }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card.moved  1 or more; none of that type came
          closest  ID-3 TIME on board:demo
            ✗ @event  - expected card.moved
                      + received "card_moved"
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
        no event on board:demo is named card.moved, unless a client posts one; did you mean card_moved?
      "
    `)
  })

  test('a wrong order', async () => {
    const patterns = [{ type: 'card_moved' }, { type: 'card_created' }]
    expect(await report(expect(stream).toReceiveEvents(patterns, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 2 expectations
        card_created  1 or more; 1 of that type came
          closest  ID-1 TIME on board:demo
            but it came too early: "card_moved" comes first, and was met by ID-3
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('too many', async () => {
    expect(await report(expect(stream).toReceiveEvent({ type: 'card_*', count: '..2' }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_*  at most 2; 3 of that type came
          unwanted  ID-3 TIME on board:demo: card_moved, one of 3
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('too few', async () => {
    expect(await report(expect(stream).toReceiveEvent({ type: 'card_*', count: '4+' }, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_*  4 or more; 3 of that type came
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('another channel', async () => {
    const pattern = { type: 'card_created', channel: 'board:other' }
    expect(await report(expect(stream).toReceiveEvent(pattern, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        card_created where @channel = "board:other"  card_created, 1 or more; 1 of that type came
          closest  ID-1 TIME on board:demo
            ✗ @channel  - expected "board:other"
                        + received "board:demo"
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('an event that should not have come', async () => {
    const pattern = { type: 'card_updated', data: { changes: { title: 'Hello again' } } }
    expect(await report(expect(stream).not.toReceiveEvent(pattern, soon))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 1 expectation
        no card_updated where changes.title = "Hello again"  card_updated, none; 1 of that type came
          unwanted  ID-2 TIME on board:demo: card_updated
            ✓ changes.title  "Hello again"
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('events beside those of an exact order', async () => {
    const options = { order: 'exact', within: 0 } as const
    const patterns = [{ type: 'card_*', data: { index: 0 } }, { type: 'card_moved' }]
    expect(await report(expect(stream).toReceiveEvents(patterns, options))).toMatchInlineSnapshot(`
      "
      NOT MET after 0.0 s: 1 of 3 expectations
        nothing else  card_*,card_moved, exactly these; 1 more came
          unwanted  ID-2 TIME on board:demo: card_updated
            ✗ index  - expected 0
                     + received nothing
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })

  test('events that are met although they should not be', async () => {
    const patterns = [{ type: 'card_created' }, { type: 'card_moved' }]
    expect(await report(expect(stream).not.toReceiveEvents(patterns, soon))).toMatchInlineSnapshot(`
      "
      MET after 0.0 s: 2 expectations, but should not be
        card_created  ID-1 TIME on board:demo
        card_moved  ID-3 TIME on board:demo
        seen  3 events after ID-0: card_created 1, card_updated 1, card_moved 1
        last  ID-1 TIME card_created on board:demo
              ID-2 TIME card_updated on board:demo
              ID-3 TIME card_moved on board:demo
        again boardcast tail --url http://SERVER --channel board:demo --since ID-0 --no-follow
      "
    `)
  })
})

/** A stream on which events are changed on their way. */
async function tampered(tamper: Tamper) {
  const proxy = await startTamperingProxy(server.url, tamper)
  const stream = await openStream(proxy.url, { board })
  onTestFinished(async () => {})
  return stream
}

/** Changes the events with one name. */
const only =
  (type: string, tamper: Tamper): Tamper =>
  (event) =>
    new RegExp(`^event: ${type}$`, 'm').test(event) ? tamper(event) : [event]

describe('a stream without gaps', () => {
  test('[CMD38a] an event that is lost is missing', async () => {
    const stream = await tampered(only('card_updated', () => []))
    await work(stream)
    expect(await report(expect(stream).toBeGapFree())).toMatchInlineSnapshot(`
      "
      NOT GAP FREE: 1 fault after ID-0 up to ID-3, on board:demo
        missing  ID-2 TIME card_updated on board:demo
                 after ID-1 TIME card_created on board:demo
                 before ID-3 TIME card_moved on board:demo
      "
    `)
    await expect(stream).not.toBeGapFree()
  })

  test('[CMD38a] an event that comes twice is repeated', async () => {
    const stream = await tampered(only('card_updated', (event) => [event, event]))
    await work(stream)
    expect(await report(expect(stream).toBeGapFree())).toMatchInlineSnapshot(`
      "
      NOT GAP FREE: 1 fault after ID-0 up to ID-3, on board:demo
        repeated  ID-2 TIME card_updated on board:demo
      "
    `)
  })

  test('[CMD38a] an event that comes too late is out of order', async () => {
    let held: string[] = []
    const hold = only('card_updated', (event) => {
      held = [event]
      return []
    })
    const stream = await tampered((event) => hold(event).flatMap(only('card_moved', (moved) => [moved, ...held])))
    await work(stream)
    await stream.next({ type: 'card_updated' }, soon).catch(() => {})
    expect(await report(expect(stream).toBeGapFree())).toMatchInlineSnapshot(`
      "
      NOT GAP FREE: 1 fault after ID-0 up to ID-3, on board:demo
        late  ID-2 TIME card_updated on board:demo, after ID-3
      "
    `)
  })

  test('[CMD38a] a gap is one', async () => {
    const begun = await openStream(server.url, { since: '00000000-1' })
    expect(await failing(expect(begun).toBeGapFree())).toMatch(
      /^NOT GAP FREE: 1 fault .*\n {2}gap {2}events after ID-1 are lost \(epoch\); the log begins at ID-\d+$/,
    )
  })

  test('[CMD38a] what the server joins, and what shows under several names, is not missing', async () => {
    await server.api.post('/agents', { id: `coder-${board}`, label: 'Coder' })
    const { id } = await server.api.post(`/boards/${board}/cards`, { title: 'Hello' })
    const channels = ['global', `board:${board}`, `issue:${id}`, `agent:coder-${board}`]
    const stream = await openStream(server.url, { channels })
    const agent = await openStream(server.url, { channels: [`agent:coder-${board}`] })
    const attempt = await server.api.post(`/cards/${id}/attempts`, { agent: `coder-${board}` })
    const lines = Array.from({ length: 20 }, (_, at) => ({ message: `line ${at}`, level: 'info' }))
    await server.api.post(`/attempts/${attempt.id}/logs`, { lines })
    await server.api.patch(`/attempts/${attempt.id}`, { status: 'running' })
    await server.api.patch(`/attempts/${attempt.id}`, { status: 'succeeded' })
    await expect(stream).toReceiveEvent({ type: 'attempt.status.changed', data: { status: 'succeeded' } })
    await expect(stream).toBeGapFree()
    await expect(stream).toMatchContract()
    await agent.next({ type: 'output_batch', data: { lines: expect.arrayContaining(['line 19']) } })
    expect(agent.events.filter(({ event }) => event === 'output_batch').length).toBeLessThan(20)
    await expect(agent).toBeGapFree()
    await expect(agent).toMatchContract()
    expect(await report(expect(stream).not.toBeGapFree())).toMatch(/GAP FREE: the \d+ events of the log after/)
  })
})

describe('a stream by the contract', () => {
  const changed = (from: string | RegExp, to: string) => (event: string) => [event.replace(from, to)]

  test.each([
    ['a value of another kind', 'card_moved', changed(/"toIndex":\d+/, '"toIndex":"1"')],
    ['a field too many', 'card_moved', changed('"toIndex"', '"to_index":1,"toIndex"')],
    ['a field too few', 'card_moved', changed(/"revision":\d+,/, '')],
    ['a field deep inside', 'card_created', changed('"labels":["bug"]', '"labels":["bug",7]')],
    ['an id that is none', 'card_moved', changed(/\nid: .*/, '\nid: 7')],
    ['a control frame', 'hello', changed(/"serverTime":"[^"]*"/, '"serverTime":"noon"')],
    ['a control frame with a field too many', 'hello', changed('"heartbeatMs"', '"more":1,"heartbeatMs"')],
    ['a time to come back after', 'card_moved', changed('event:', 'retry: 5\nevent:')],
    ['a channel that does not show the event', 'card_moved', changed(/"channel":"[^"]*"/, '"channel":"dashboard"')],
    ['a name that is not known', 'card_moved', changed(/card_moved/g, 'card_jumped')],
  ])('[CMD38b] %s breaks it', async (name, type, tamper) => {
    const stream = await tampered(only(type, tamper))
    await work(await openStream(server.url, { board }))
    await expect.poll(() => stream.events.length, { timeout: 30_000 }).toBe(3)
    expect(`${name}${await report(expect(stream).toMatchContract())}`).toMatchSnapshot()
  })

  test('[CMD38b] what is sent fits it, on every kind of channel', async () => {
    await work()
    await expect(stream).toMatchContract()
    const dashboard = await openStream(server.url, { channels: ['dashboard', 'metrics', 'topic:deploys', 'global'] })
    await server.api.post('/topics/deploys/events', { event: 'deploy.started', data: { any: ['thing'] } })
    await expect(dashboard).toReceiveEvent({ type: 'deploy.started', channel: 'topic:deploys' })
    await expect(dashboard).toMatchContract()
    expect(await report(expect(dashboard).not.toMatchContract())).toMatch(/^\nMATCHES THE CONTRACT .*: all \d+ frames/)
  })
})
