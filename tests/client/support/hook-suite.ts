/** The same tests for the hooks of both frameworks. */
import { afterEach, describe, expect, test } from 'vitest'
import type { BoardState, Card } from '../../../shared/src/types/kanban.ts'
import { BoardcastError } from '../../../web/client/base/errors.ts'
import type { Frame } from '../../../web/client/base/types.ts'
import { createClient, type Hub } from '../../../web/client/hub/client.ts'
import type * as Bound from '../../../web/client/react.ts'
import { createStores } from '../../../web/client/stores/stores.ts'
import { type FakeSocket, fakeSockets } from './fake-socket.ts'
import { calm, quiet, screen, shown } from './page.ts'
import { at, StubHub } from './stub-hub.ts'

export type Hooks = Omit<typeof Bound, 'AgentOutput' | 'BoardcastProvider'>

/** What a test needs from a framework. */
export interface Under {
  readonly name: string
  readonly hooks: Hooks
  /** Draws a component whose text is what `use` returns, below a provider of the hub; React's is in strict mode. */
  mount<P extends object>(hub: Hub | null, use: (props: P) => string, props: P): Mounted<P>
  /** Draws an AgentOutput. */
  mountOutput(hub: Hub, props: Bound.AgentOutputProps): Mounted<Bound.AgentOutputProps>
}

export interface Mounted<P> {
  readonly container: HTMLElement
  update(props: P): void
  unmount(): void
}

/** A hub whose core the test controls. */
export function stubbed(): { stub: StubHub; hub: Hub; reconnects: () => number } {
  const stub = new StubHub()
  let reconnects = 0
  const hub = {
    baseUrl: 'http://127.0.0.1:1',
    auth: undefined,
    status: stub.status,
    clock: stub.clock,
    request: stub.request,
    subscribe: stub.subscribe as Hub['subscribe'],
    ...createStores(stub),
    reconnect() {
      reconnects += 1
    },
    close() {},
  }
  return { stub, hub, reconnects: () => reconnects }
}

const CARD = { boardId: 'b', ticketKey: 'B-1', labels: [], dependsOn: [], blocked: false, attempt: null, revision: 1 }

export function boardOf(...titles: string[]): BoardState {
  return {
    boardId: 'b',
    columns: {
      c1: { id: 'c1', key: 'todo', title: 'To do', cardIds: titles },
      c2: { id: 'c2', key: null, title: 'Later', cardIds: [] },
    },
    columnOrder: ['c1', 'c2'],
    cards: Object.fromEntries(titles.map((id) => [id, { ...CARD, id, title: id, columnId: 'c1' } as unknown as Card])),
  }
}

const channels = (stub: StubHub) => [...stub.readers].flatMap(({ options }) => options.channels)
const titles = (state: BoardState | null) =>
  state ? state.columnOrder.map((id) => state.columns[id]?.cardIds).join('|') : 'none'

export function hookSuite({ name, hooks, mount, mountOutput }: Under): void {
  const mounted: Array<Mounted<never>> = []
  function draw<P extends object>(hub: Hub | null, use: (props: P) => string, props: P): Mounted<P> {
    const one = mount(hub, use, props)
    mounted.push(one as unknown as Mounted<never>)
    return one
  }
  afterEach(() => {
    for (const one of mounted.splice(0)) one.unmount()
  })

  async function liveBoard(stub: StubHub, ...cards: string[]): Promise<void> {
    await shown('the reader', () => stub.readers.size > 0)
    stub.ready(10)
    await stub.next().answer({ state: boardOf(...cards), cursor: at(10) })
  }

  describe(`${name}: useKanbanSSE`, () => {
    const use = ({ id }: { id: string | null }) => {
      const { state, status, connected, reconnecting, stale, error } = hooks.useKanbanSSE(id)
      return [
        titles(state),
        status,
        connected && 'connected',
        reconnecting && 'reconnecting',
        stale && 'stale',
        error?.message,
      ]
        .filter(Boolean)
        .join(' ')
    }

    test('[CH1] a board has one subscription for all readers, which ends 5 s after the last one', async () => {
      const { stub, hub } = stubbed()
      const pages = [draw(hub, use, { id: 'b' }), draw(hub, use, { id: 'b' })]
      await liveBoard(stub, 'x', 'y')
      for (const { container } of pages) await shown('the cards', () => container.textContent === 'x,y| open connected')
      expect(channels(stub)).toEqual(['board:b'])
      pages[0]?.unmount()
      await quiet()
      stub.clock.advance(60_000)
      expect(channels(stub)).toEqual(['board:b'])
      pages[1]?.unmount()
      await quiet()
      expect(channels(stub)).toEqual(['board:b'])
      stub.clock.advance(5_000)
      expect(channels(stub)).toEqual([])
    })

    test('[CH2] null means off, and the id may change to and from null', async () => {
      const { stub, hub } = stubbed()
      const page = draw(hub, use, { id: null as string | null })
      await calm()
      expect([page.container.textContent, channels(stub), stub.asked.length]).toEqual(['none idle', [], 0])
      page.update({ id: 'b' })
      await liveBoard(stub, 'x')
      await shown('the card', () => page.container.textContent === 'x| open connected')
      page.update({ id: null })
      await shown('nothing', () => page.container.textContent === 'none open connected')
      await quiet()
      stub.clock.advance(5_000)
      expect(channels(stub)).toEqual([])
    })

    test('[CH2] another id is another board', async () => {
      const { stub, hub } = stubbed()
      const page = draw(hub, use, { id: 'a' })
      await liveBoard(stub, 'x')
      await shown('x', () => page.container.textContent?.startsWith('x'))
      page.update({ id: 'b' })
      await shown('none', () => page.container.textContent?.startsWith('none'))
      await quiet()
      stub.clock.advance(5_000)
      expect(channels(stub)).toEqual(['board:b'])
    })

    test('[CH9] shows how the stream is, and whether its state may be stale', async () => {
      const { stub, hub } = stubbed()
      const { container } = draw(hub, use, { id: 'b' })
      await liveBoard(stub, 'x')
      await shown('x', () => container.textContent === 'x| open connected')
      stub.phase('reconnecting')
      await shown('stale', () => container.textContent === 'x| reconnecting reconnecting stale')
      stub.phase('stopped')
      await shown('stopped', () => container.textContent === 'x| stopped stale')
    })

    test('[CH9] the parts of the status that change with every frame do not draw a board', async () => {
      const { stub, hub } = stubbed()
      let renders = 0
      const { container } = draw(
        hub,
        (props: { id: string }) => {
          renders += 1
          return use(props)
        },
        { id: 'b' },
      )
      await liveBoard(stub, 'x')
      await shown('x', () => container.textContent === 'x| open connected')
      const before = renders
      for (let n = 0; n < 5; n++) {
        stub.status.set({ ...stub.status.get(), lastFrameAt: n, lastEventId: at(n) })
        screen.draw()
        await calm()
      }
      expect(renders).toBe(before)
    })

    test('[CH10] a deleted board shows as gone, and one that is created in its place comes with its events', async () => {
      const { stub, hub } = stubbed()
      const heard: string[] = []
      const { container } = draw(
        hub,
        (props: { id: string }) => {
          hooks.useKanbanSSE(props.id, { onEvent: ({ id }) => heard.push(id) })
          return use(props)
        },
        { id: 'b' },
      )
      await shown('two readers', () => stub.readers.size === 2)
      stub.ready(10)
      await stub.next().answer({ state: boardOf('x'), cursor: at(10) })
      await shown('x', () => container.textContent === 'x| open connected')
      stub.emit(11, 'board_deleted', { boardId: 'b' })
      await shown('the end', () => container.textContent === 'none open connected It was deleted.')
      await shown('no reader', () => stub.readers.size === 0)
      stub.phase('open')
      await stub.next().answer({ state: boardOf('z'), cursor: at(20) })
      await shown('two readers', () => stub.readers.size === 2)
      stub.ready(20)
      for (const asked of stub.asked.splice(0)) await asked.answer({ state: boardOf('z'), cursor: at(20) })
      await shown('z', () => container.textContent === 'z| open connected')
      stub.emit(21, 'attempt_log', {})
      expect(heard).toEqual([at(11), at(21)])
    })

    test('[CH6] a move shows at once; a refused one is reverted and shown; leaving the page cancels nothing', async () => {
      const { stub, hub } = stubbed()
      let move: () => Promise<unknown> = async () => undefined
      const page = draw(
        hub,
        (props: { id: string }) => {
          const { moveCard } = hooks.useKanbanSSE(props.id)
          move = () => moveCard({ cardId: 'x', columnId: 'c2' })
          return use(props)
        },
        { id: 'b' },
      )
      await liveBoard(stub, 'x')
      await shown('x', () => page.container.textContent?.startsWith('x|'))
      const refused = move()
      await shown('the move', () => page.container.textContent?.startsWith('|x'))
      await stub.next().fail(new BoardcastError('refused', 'is blocked', { status: 409 }))
      await shown('the refusal', () => page.container.textContent === 'x| open connected is blocked')
      await expect(refused).rejects.toThrow('is blocked')
      const carried = move()
      page.unmount()
      await quiet()
      stub.clock.advance(60_000)
      await stub.next().answer({ id: 'x' }, at(11))
      expect(await carried).toEqual({ id: 'x' })
    })

    test('[CH6] the functions stay the same from render to render', async () => {
      const { stub, hub } = stubbed()
      const seen = new Set<unknown>()
      const page = draw(
        hub,
        ({ n }: { n: number }) => {
          const { moveCard, createCard, updateCard, deleteCard } = hooks.useKanbanSSE('b')
          for (const one of [moveCard, createCard, updateCard, deleteCard]) seen.add(one)
          return String(n)
        },
        { n: 0 },
      )
      await liveBoard(stub, 'x')
      await calm()
      const before = seen.size
      for (let n = 1; n < 5; n++) {
        page.update({ n })
        await shown('it', () => page.container.textContent === String(n))
      }
      expect(seen.size).toBe(before)
    })

    test('[CH3] a new handler in every render does not subscribe again, and the newest is called', async () => {
      const { stub, hub } = stubbed()
      const heard: string[] = []
      const page = draw(
        hub,
        ({ n }: { n: number }) => {
          hooks.useKanbanSSE('b', { onEvent: ({ event }) => heard.push(`${n} ${event}`) })
          return String(n)
        },
        { n: 0 },
      )
      await shown('two readers', () => stub.readers.size === 2)
      const readers = [...stub.readers]
      stub.ready(10)
      await stub.next().answer({ state: boardOf('x'), cursor: at(10) })
      stub.emit(11, 'attempt_log', {})
      page.update({ n: 1 })
      await shown('the update', () => page.container.textContent === '1')
      await calm()
      stub.emit(12, 'attempt_log', {})
      expect(heard).toEqual(['0 attempt_log', '1 attempt_log'])
      expect([...stub.readers].every((reader, n) => reader === readers[n])).toBe(true)
      expect(stub.readers.size).toBe(2)
    })

    test('[CH4] 10,000 events in one burst: the handler gets each in order, with at most one render per animation frame', async () => {
      const { stub, hub } = stubbed()
      const heard: string[] = []
      let renders = 0
      const { container } = draw(
        hub,
        (props: { id: string }) => {
          renders += 1
          hooks.useKanbanSSE('b', { onEvent: ({ id }) => heard.push(id) })
          return use(props)
        },
        { id: 'b' },
      )
      await shown('two readers', () => stub.readers.size === 2)
      stub.ready(10)
      await stub.next().answer({ state: boardOf('x', 'y'), cursor: at(10) })
      await shown('x', () => container.textContent === 'x,y| open connected')
      // Strict mode renders everything twice.
      const before = renders
      const cost = name === 'React' ? 2 : 1
      for (let burst = 0; burst < 5; burst++) {
        for (let n = 0; n < 2_000; n++) {
          const seq = 11 + burst * 2_000 + n
          stub.emit(seq, 'card_moved', {
            cardId: 'x',
            toColumnId: seq % 2 ? 'c2' : 'c1',
            toIndex: 0,
            revision: seq,
            updatedAt: '',
          })
          if (n % 500 === 0) await calm()
        }
        expect(renders - before).toBeLessThanOrEqual(burst * cost)
        screen.draw()
        await calm()
      }
      expect(heard).toEqual(Array.from({ length: 10_000 }, (_, n) => at(11 + n)))
      expect(renders - before).toBeLessThanOrEqual(5 * cost)
      expect(container.textContent).toBe('x,y| open connected')
    })
  })

  describe(`${name}: useRealtimeEvents`, () => {
    interface Props {
      readonly channels: readonly string[]
      readonly eventTypes?: readonly string[]
      readonly since?: string
      readonly paused?: boolean
      readonly maxEvents?: number
    }
    let last: Bound.RealtimeEvents
    const use = (props: Props) => {
      last = hooks.useRealtimeEvents(props)
      return `${last.events.map(({ event, id }) => `${event}${id.slice(8)}`).join(' ')} missed ${last.missed} ${last.error?.message ?? ''}`
    }

    test('[CH8] keeps the newest; pause freezes the list and counts; resume shows what came', async () => {
      const { stub, hub } = stubbed()
      const page = draw<Props>(hub, use, { channels: ['global'], maxEvents: 3 })
      await shown('the reader', () => stub.readers.size === 1)
      stub.ready(10)
      for (const seq of [11, 12, 13, 14]) stub.emit(seq, 'e', {})
      await shown('three', () => page.container.textContent === 'e-12 e-13 e-14 missed 0 ')
      last.pause()
      for (const seq of [15, 16]) stub.emit(seq, 'e', {})
      await shown('two missed', () => page.container.textContent === 'e-12 e-13 e-14 missed 2 ')
      last.resume()
      await shown('them', () => page.container.textContent === 'e-14 e-15 e-16 missed 0 ')
      page.update({ channels: ['global'], maxEvents: 3, paused: true })
      await quiet()
      stub.emit(17, 'e', {})
      await shown('one missed', () => page.container.textContent === 'e-14 e-15 e-16 missed 1 ')
      page.update({ channels: ['global'], maxEvents: 3, paused: false })
      await shown('it', () => page.container.textContent === 'e-15 e-16 e-17 missed 0 ')
      last.clearEvents()
      await shown('nothing', () => page.container.textContent === ' missed 0 ')
    })

    test('[CH8] lost events show as a gap in the list, and a refusal in the error', async () => {
      const { stub, hub } = stubbed()
      const { container } = draw<Props>(hub, use, { channels: ['global'] })
      await shown('the reader', () => stub.readers.size === 1)
      stub.ready(10)
      stub.emit(11, 'e', {})
      stub.gap()
      await shown('the gap', () => container.textContent === 'e-11 gap-2 missed 0 ')
      stub.refuse(new BoardcastError('refused', 'not yours'))
      await shown('the refusal', () => container.textContent === 'e-11 gap-2 missed 0 not yours')
    })

    test('[CH8] a pause keeps as many as otherwise; a limit below one is one', async () => {
      const { stub, hub } = stubbed()
      draw<Props>(hub, use, { channels: ['global'], maxEvents: 3_000, paused: true })
      await shown('the reader', () => stub.readers.size === 1)
      await quiet()
      stub.ready(10)
      for (let seq = 11; seq < 5_011; seq++) stub.emit(seq, 'e', {})
      await shown('the count', () => last.missed === 5_000)
      last.resume()
      await shown('them', () => last.events.length === 3_000)
      expect(last.events[0]?.id).toBe(at(2_011))
      for (const maxEvents of [0, -5]) {
        const one = draw<Props>(hub, use, { channels: ['a:1'], maxEvents })
        await shown('the reader', () => channels(stub).includes('a:1'))
        await calm()
        for (const seq of [6_001, 6_002]) stub.emit(seq, 'e', {})
        await shown('one', () => one.container.textContent === 'e-6002 missed 0 ')
        one.unmount()
        await shown('no reader', () => !channels(stub).includes('a:1'))
      }
    })

    test('[CH8] a stopped stream shows in the error', async () => {
      const { stub, hub } = stubbed()
      const { container } = draw<Props>(hub, use, { channels: ['global'] })
      await shown('the reader', () => stub.readers.size === 1)
      stub.status.set({ ...stub.status.get(), phase: 'stopped', stop: { reason: 'unauthenticated', status: 401 } })
      await shown('it', () => container.textContent === ' missed 0 The stream has stopped: unauthenticated.')
    })

    test('[CH3] the same channels in another order are the same', async () => {
      const { stub, hub } = stubbed()
      const page = draw<Props>(hub, use, { channels: ['a:1', 'a:2'] })
      await shown('the reader', () => stub.readers.size === 1)
      stub.ready(10)
      stub.emit(11, 'e', {})
      await shown('it', () => page.container.textContent === 'e-11 missed 0 ')
      const [reader] = stub.readers
      page.update({ channels: ['a:2', 'a:1'] })
      await quiet()
      expect([page.container.textContent, [...stub.readers].map((one) => one === reader)]).toEqual([
        'e-11 missed 0 ',
        [true],
      ])
    })

    test('[CH3] a new list of the same channels does not subscribe again; other channels do', async () => {
      const { stub, hub } = stubbed()
      const page = draw<Props>(hub, use, { channels: ['a:1'], eventTypes: ['x'], since: at(5) })
      await shown('the reader', () => stub.readers.size === 1)
      const [reader] = stub.readers
      expect(reader?.options).toEqual({ channels: ['a:1'], types: ['x'], since: at(5) })
      page.update({ channels: ['a:1'], eventTypes: ['x'], since: at(5) })
      await calm()
      expect([...stub.readers].map((one) => one === reader)).toEqual([true])
      page.update({ channels: ['a:2'], eventTypes: ['x'], since: at(5) })
      await shown('the other', () => channels(stub).join() === 'a:2')
      page.update({ channels: [] })
      await shown('none', () => stub.readers.size === 0)
    })
  })

  describe(`${name}: the other hooks`, () => {
    test('[CH2] an invalid id or channel is an error of every hook, and throws in none', async () => {
      const hub = createClient({ baseUrl: 'http://127.0.0.1:1', share: 'none' })
      for (const id of ['Bad Id!', '', 'a b']) {
        const page = draw(
          hub,
          (props: { id: string }) => {
            const { id } = props
            const ignore = () => undefined
            return [
              hooks.useKanbanSSE(id),
              hooks.useKanbanSSE(id, { onEvent: ignore }),
              hooks.useIssueUpdates(id),
              hooks.useIssueUpdates(id, { onIssue: ignore }),
              hooks.useAgentChannel({ agentId: id }),
              hooks.useAgentChannel({ agentId: id, onMessage: ignore }),
              hooks.useSessionStream(id),
              hooks.useAttemptStream(id),
              hooks.useWorkflowStream(id),
              hooks.useShellStream(id),
              hooks.useRealtimeEvents({ channels: [`board:${id}`] }),
            ]
              .map(({ error }) => (error ? 'error' : 'none'))
              .join(' ')
          },
          { id },
        )
        await shown('the errors', () => page.container.textContent === Array(11).fill('error').join(' '))
        page.unmount()
      }
      hub.close()
    })

    test('[CH6] a refusal that is not awaited is not an unhandled rejection', async () => {
      const { stub, hub } = stubbed()
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      let act = (): void => undefined
      const { container } = draw(
        hub,
        () => {
          const { moveCard } = hooks.useKanbanSSE(null)
          const off = hooks.useAgentChannel({ agentId: null })
          const { sendMessage } = hooks.useAgentChannel({ agentId: 'a' })
          act = () => {
            void moveCard({ cardId: 'x', columnKey: 'done' })
            void off.sendMessage('hello')
            void sendMessage('hello')
          }
          return 'drawn'
        },
        {},
      )
      await shown('it', () => container.textContent === 'drawn')
      act()
      await calm()
      await stub.next().fail(new BoardcastError('refused', 'no', { status: 409 }))
      await calm()
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
    })

    test('[CH10] useDashboardSSE and useRealtimeMetrics', async () => {
      const { stub, hub } = stubbed()
      const { container } = draw(
        hub,
        () => {
          const { overview, updatedAt, connected } = hooks.useDashboardSSE()
          const { metrics, history } = hooks.useRealtimeMetrics()
          return [overview?.metrics.openCards, updatedAt, connected, metrics?.pending_tasks, history.length].join(' ')
        },
        {},
      )
      await shown('two readers', () => stub.readers.size === 2)
      stub.ready(10)
      const answers = {
        '/dashboard?range=last_7d': { generatedAt: '2030', metrics: { openCards: 7 } },
        '/metrics/snapshot': { timestamp: 1, pending_tasks: 2 },
      }
      for (const asked of stub.asked.splice(0)) await asked.answer(answers[asked.path as keyof typeof answers])
      await shown('both', () => container.textContent === '7 2030 true 2 1')
      stub.emit(11, 'metric.update', { timestamp: 2, pending_tasks: 3 })
      await shown('news', () => container.textContent === '7 2030 true 3 2')
    })

    test('[CH10] useSessionStream, useAttemptStream, useWorkflowStream and useShellStream', async () => {
      const { stub, hub } = stubbed()
      const { container } = draw(
        hub,
        () => {
          const session = hooks.useSessionStream('s')
          const attempt = hooks.useAttemptStream('a')
          const run = hooks.useWorkflowStream('r')
          const shell = hooks.useShellStream('t')
          const off = [
            hooks.useSessionStream(null),
            hooks.useAttemptStream(null),
            hooks.useWorkflowStream(null),
            hooks.useShellStream(null),
          ]
          if (off.some(({ status, done, error }) => status !== null || done || error !== null))
            throw new Error('not off')
          return [
            ...[session.status, session.done, session.isConnected, session.messages.map(({ content }) => content)],
            ...[attempt.status, attempt.done, attempt.lines.map(({ message }) => message), attempt.lineCount],
            ...[run.status, run.steps.map(({ name }) => name), run.done],
            ...[shell.status, shell.lines.join('+'), shell.done],
          ].join(' ')
        },
        {},
      )
      await shown('four readers', () => stub.readers.size === 4)
      stub.ready(10)
      const answers: Record<string, unknown> = {
        '/sessions/s/output?tail=1000': { chunks: [{ content: 'out' }], cursor: at(10) },
        '/sessions/s': { status: 'working' },
        '/attempts/a/logs?tail=1000': { lines: [{ id: at(9), message: 'line' }], cursor: at(10) },
        '/attempts/a': { attempt: { status: 'succeeded' }, todos: null, conversation: [] },
        '/workflow-runs/r': { status: 'running' },
        '/workflow-runs/r/steps?limit=1000': { steps: [{ id: '1', name: 'build' }] },
        '/shells/t/output?tail=1000': { chunks: [{ data: 'a\nb' }], cursor: at(10) },
        '/shells/t': { status: 'open' },
      }
      while (stub.asked.length > 0) for (const asked of stub.asked.splice(0)) await asked.answer(answers[asked.path])
      await shown(
        'all',
        () =>
          container.textContent === 'working false true out succeeded true line 1 running build false open a+b false',
      )
    })

    test('[CH10] useIssueUpdates: the cards as issues, and every event on them', async () => {
      const { stub, hub } = stubbed()
      const heard: Frame[] = []
      const { container } = draw(
        hub,
        () => {
          const { issues, connected } = hooks.useIssueUpdates('b', { onIssue: (event) => heard.push(event) })
          return `${issues.map(({ title, status }) => `${title} ${status}`).join(', ')} ${connected}`
        },
        {},
      )
      await shown('two readers', () => stub.readers.size === 2)
      expect(channels(stub).sort()).toEqual(['board:b', 'project:b'])
      stub.ready(10)
      await stub.next().answer({ state: boardOf('x', 'y'), cursor: at(10) })
      await shown('issues', () => container.textContent === 'x todo, y todo true')
      stub.emit(11, 'card_moved', { cardId: 'x', toColumnId: 'c2', toIndex: 0, revision: 2, updatedAt: '' })
      await shown('the move', () => container.textContent === 'y todo, x Later true')
      expect(heard.map(({ event }) => event)).toEqual(['card_moved'])
    })

    test('[CH10] useAgentChannel: output, messages, and sending one', async () => {
      const { stub, hub } = stubbed()
      const heard: unknown[] = []
      let send: Bound.AgentChannel['sendMessage'] = () => Promise.reject()
      const { container } = draw(
        hub,
        () => {
          const { output, messages, sendMessage } = hooks.useAgentChannel({
            agentId: 'a',
            onMessage: ({ content }) => heard.push(content),
          })
          send = sendMessage
          return `${output.map(({ text }) => text).join('+')} ${messages.length}`
        },
        {},
      )
      await shown('two readers', () => stub.readers.size === 2)
      stub.ready(10)
      await stub.next().answer({ items: [{ id: at(9), timestamp: 1, lines: ['one'] }], cursor: at(9) })
      await stub.next().answer({ messages: [] })
      stub.emit(11, 'message.new', { message_id: 'm', content: 'hi' })
      await shown('all', () => container.textContent === 'one 1')
      expect(heard).toEqual(['hi'])
      const sent = send('hello', { priority: 9 })
      await calm()
      const { method, path, body } = stub.asked[0] as (typeof stub.asked)[number]
      expect([method, path]).toEqual(['POST', '/messages'])
      expect(JSON.parse(JSON.stringify(body))).toEqual({
        from_agent: 'user',
        to_agent: 'a',
        content: 'hello',
        priority: 9,
      })
      await stub.next().answer({ message_id: 'n' })
      expect(await sent).toEqual({ message_id: 'n' })
    })

    test('[CH9] useConnection: the whole status, a label, and reconnect', async () => {
      const { stub, hub, reconnects } = stubbed()
      let reconnect: () => void = () => undefined
      const { container } = draw(
        hub,
        () => {
          const connection = hooks.useConnection()
          reconnect = connection.reconnect
          return `${connection.label} ${connection.isOnline} ${connection.attempt}`
        },
        {},
      )
      await shown('idle', () => container.textContent === 'Idle true 0')
      stub.status.set({ ...stub.status.get(), phase: 'reconnecting', attempt: 3 })
      await shown('words', () => container.textContent === 'Reconnecting true 3')
      stub.status.set({ ...stub.status.get(), phase: 'stopped', stop: { reason: 'unauthenticated' } })
      await shown('why', () => container.textContent === 'Signed out true 3')
      reconnect()
      expect(reconnects()).toBe(1)
    })

    test('[CH12] useWebSocket: its own socket, closed with the component', async () => {
      const { hub } = stubbed()
      const made: FakeSocket[] = []
      class FakeSocket {
        readonly readyState = 1
        readonly url: string
        readonly sent: unknown[] = []
        isClosed = false
        #message: (event: { data?: unknown }) => void = () => undefined
        constructor(url: string) {
          this.url = url
          made.push(this)
        }
        addEventListener(name: string, listener: (event: { data?: unknown }) => void): void {
          if (name === 'message') this.#message = listener
        }
        send(text: string): void {
          this.sent.push(JSON.parse(text))
        }
        close(): void {
          this.isClosed = true
        }
        hear(message: object): void {
          this.#message({ data: JSON.stringify(message) })
        }
      }
      const heard: string[] = []
      let socket: Bound.WebSocketConnection | undefined
      const page = draw(
        hub,
        ({ n }: { n: number }) => {
          socket = hooks.useWebSocket({
            channels: ['topic:t'],
            agentId: 'me',
            WebSocket: FakeSocket,
            autoConnect: n > 0,
            onEvent: ({ event }) => heard.push(`${n} ${event}`),
          })
          return `${socket.connected} ${socket.connecting} ${socket.lastMessage?.event}`
        },
        { n: 0 },
      )
      await quiet()
      expect(made).toEqual([])
      page.update({ n: 1 })
      await shown('it', () => page.container.textContent === 'false true undefined')
      const mine = made.at(-1) as FakeSocket
      expect(mine.url).toBe('ws://127.0.0.1:1/ws?global=0&more=1&agent_id=me&channels=topic:t')
      mine.hear({ type: 'connected' })
      mine.hear({ type: 'event', id: at(0), channel: '*', event: 'hello', data: { heartbeatMs: 15_000 } })
      await shown('connected', () => page.container.textContent === 'true false undefined')
      page.update({ n: 2 })
      await quiet()
      for (const event of ['a', 'b']) mine.hear({ type: 'event', id: at(1), channel: 'topic:t', event, data: {} })
      await shown('the newest', () => page.container.textContent === 'true false b')
      expect(heard).toEqual(['2 a', '2 b'])
      expect(socket?.send({ type: 'ping' })).toBe(true)
      expect(mine.sent).toEqual([{ type: 'ping' }])
      page.unmount()
      await quiet()
      expect(made.every(({ isClosed }) => isClosed)).toBe(true)
    })

    test('[CH12] useWebSocket: other channels are joined and left on the same socket', async () => {
      const { hub } = stubbed()
      const { made, WebSocket } = fakeSockets()
      const page = draw(
        hub,
        ({ channels }: { channels: string[] }) => String(hooks.useWebSocket({ channels, WebSocket }).connected),
        { channels: ['topic:a', 'topic:b'] },
      )
      await shown('a socket', () => made.length > 0)
      await quiet()
      const mine = made.at(-1) as FakeSocket
      mine.open(1)
      await shown('connected', () => page.container.textContent === 'true')
      page.update({ channels: ['topic:c', 'topic:b'] })
      await shown('two messages', () => mine.sent.length === 2)
      expect(mine.sent.map(({ type, channel }) => [type, channel])).toEqual([
        ['unsubscribe', 'topic:a'],
        ['subscribe', 'topic:c'],
      ])
      page.update({ channels: ['topic:b', 'topic:c'] })
      await quiet()
      expect([mine.isClosed, mine.sent.length, made.at(-1) === mine]).toEqual([false, 2, true])
    })

    test('[CH11] without a provider there is one hub, of the page’s own origin', async () => {
      const seen = new Set<unknown>()
      const use = () => {
        seen.add(hooks.useBoardcast())
        return hooks.useConnection().label
      }
      const pages = [draw(null, use, {}), draw(null, use, {})]
      for (const { container } of pages) await shown('idle', () => container.textContent === 'Idle')
      expect([...seen]).toEqual([expect.objectContaining({ mutate: expect.anything() })])
    })
  })

  describe(`${name}: AgentOutput`, () => {
    async function printed(...lines: string[]) {
      const { stub, hub } = stubbed()
      const page = mountOutput(hub, { agentId: 'a', className: 'mine' })
      mounted.push(page as unknown as Mounted<never>)
      await shown('a reader', () => stub.readers.size > 0)
      stub.ready(10)
      await stub.next().answer({ items: [{ id: at(9), timestamp: 1, lines }], cursor: at(9) })
      await stub.next().answer({ messages: [] })
      const box = await shown('the box', () => page.container.querySelector<HTMLElement>('[role=log]'))
      let seq = 10
      const print = (...more: string[]) => stub.emit(++seq, 'output_batch', { timestamp: 1, lines: more })
      return { box, print, page }
    }
    const texts = (box: HTMLElement) => [...box.children].map(({ textContent }) => textContent)

    test('[CH7] shows the last 1,000 lines, without the escapes of terminals', async () => {
      const { box, print, page } = await printed('\u001b[32mgreen\u001b[0m plain', '\u001b]0;title\u0007text')
      await shown('both', () => texts(box).join() === 'green plain,text')
      expect(page.container.querySelector('.boardcast-output.mine')).not.toBeNull()
      const lines = Array.from({ length: 1_500 }, (_, n) => `line ${n}`)
      print(...lines)
      await shown('the last', () => texts(box).at(-1) === 'line 1499')
      expect(texts(box)).toEqual(lines.slice(-1_000))
    })

    test('[CH13] text that a terminal would not show is not shown, however it is split', async () => {
      const { box, print } = await printed(
        'a\u001b(B\u001b[mb',
        '\u001b7a\u001b8b\u001bc',
        'a\u009b31mb',
        '\u001b]0;cut',
      )
      await shown('the first', () => texts(box).join() === 'ab,ab,ab,')
      print('a\u001b_Gq\u001b\\b\u001b', '[1mc', '10 %\r20 %\u001b[K')
      await shown('the rest', () => texts(box).join() === 'ab,ab,ab,,ab,c,20 %')
      print('<b>&amp;\u0007')
      await shown('markup as text', () => texts(box).at(-1) === '<b>&amp;^G')
      expect(box.querySelector('b')).toBeNull()
    })

    test('[CH7] follows the end; a user who scrolled up is not moved, sees how many lines are new, and can go back', async () => {
      const { box, print, page } = await printed('one')
      let height = 500
      Object.defineProperty(box, 'scrollHeight', { configurable: true, get: () => height })
      Object.defineProperty(box, 'clientHeight', { configurable: true, get: () => 100 })
      print('two')
      await shown('two', () => texts(box).length === 2)
      expect(box.scrollTop).toBe(500)
      box.scrollTop = 30
      box.dispatchEvent(
        new (box.ownerDocument.defaultView as unknown as typeof globalThis).Event('scroll', { bubbles: true }),
      )
      const button = await shown('the button', () => page.container.querySelector('button'))
      expect(button.textContent).toBe('Jump to latest')
      height = 900
      print('three', 'four')
      await shown('the count', () => button.textContent === 'Jump to latest (2 new)')
      expect(box.scrollTop).toBe(30)
      button.click()
      await shown('no button', () => page.container.querySelector('button') === null)
      expect(box.scrollTop).toBe(900)
    })

    test('[CH7] shows that there is no output yet', async () => {
      const { box } = await printed()
      await shown('nothing', () => box.textContent === 'No output yet.')
    })
  })
}
