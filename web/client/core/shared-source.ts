/**
 * One stream for all tabs of a browser. The tab that holds a lock leads: it has the stream, and tells the others what it
 * is told, call by call. The others say what they want, and follow.
 *
 * A leader that goes away loses nothing for anyone. The next one asks how far each tab was told, and resumes the stream
 * from the furthest: lines of output are joined as the stream likes, so only for a tab that has been told no more than the
 * stream begins with is it certain that nothing comes twice. Who was told less reads what lies between from the log, as
 * every reader does whose stream begins further on.
 *
 * Where the browser refuses what this needs, or tabs do not hear each other, a tab has a stream of its own.
 */
import { DEFAULT_BACKOFF, delayMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { BoardcastError } from './errors.ts'
import { watchPage } from './page-life.ts'
import { laterOf } from './positions.ts'
import type { Source, SourceListener } from './source.ts'
import { createStore } from './store.ts'
import { type TabLocks, tabLocks } from './tab-locks.ts'
import type { SentMessage, TabChannel, TabMessage, Tabs, Telling, Wish } from './tab-messages.ts'
import type { Status } from './types.ts'

/** A tab that does not say how far it was told within this time is too busy to be waited for: it reads pages. */
const ANSWER_MS = 300
/** The leader passes on every heartbeat. One that is silent for four of them hangs, and its lock is taken away. */
const HANGS_MS = 60_000
/** A lock that nobody else asks for is granted at once. */
const GRANTED_MS = 5_000
/** A leader answers a new tab at once. */
const SILENT_MS = 30_000
/** A navigation that takes longer comes to nothing, such as a download. */
const LEAVING_MS = 5_000
/** A tab whose lock is taken away more often than this within a minute cannot rely on locks. */
const MAX_LOSSES = 5

export interface SharedSourceOptions {
  /** The same for tabs that may share. */
  readonly name: string
  readonly tabs: Tabs
  readonly clock: Clock
  readonly listener: SourceListener
  readonly idle: Status
  connect(listener: SourceListener, position: string | null): Connection
}

interface Leading {
  readonly connection: Connection
  readonly refused: Map<string, readonly [message: string, status: number | undefined]>
  covered: ReadonlySet<string>
}

/** One time of being awake: from opening the channel to leaving it. */
interface Presence {
  readonly id: string
  readonly channel: TabChannel
  readonly controller: AbortController
  readonly locks: TabLocks
  /** It holds its lock, and may speak. */
  isKnown: boolean
  /** What the others want. */
  readonly wishes: Map<string, Wish>
  leader: string | null
  leading: Leading | null
  watchdog: unknown
  /** Until it has a lock, and has heard of a leader. */
  patience: unknown
}

export function createSharedSource(options: SharedSourceOptions): Source {
  const { name, tabs, clock, listener } = options
  const status = createStore<Status>({ ...options.idle, role: 'follower' })
  let mine: Wish = { channels: [], names: [], position: null }
  /** A stream of this tab's own, once it has turned out that it cannot share. */
  let alone: Connection | null = null
  let isClosed = false
  const losses: number[] = []
  let rejoining: unknown
  let presence: Presence | null = null
  const unwatch = watchPage({
    woke() {},
    left() {
      clock.clearTimeout(rejoining)
      if (presence) leave(presence)
      presence = null
    },
    // Firefox keeps no page that holds a lock when the navigation begins. Where it comes to nothing, the tab is back soon.
    ...('mozInnerScreenX' in globalThis && {
      leaving() {
        if (!presence) return
        leave(presence)
        presence = null
        clock.clearTimeout(rejoining)
        rejoining = clock.setTimeout(join, LEAVING_MS)
      },
    }),
    returned: join,
  })
  join()

  return {
    status,
    want(channels, names) {
      mine = { channels: [...channels], names: [...names], position: channels.size > 0 ? mine.position : null }
      if (alone) alone.want(channels, names)
      else if (presence?.leading) wantTogether(presence, presence.leading)
      else if (presence) say(presence, { kind: 'here', isNew: false, ...mine })
    },
    reconnect() {
      if (alone) alone.reconnect()
      else if (presence?.leading) presence.leading.connection.reconnect()
      else if (presence) say(presence, { kind: 'reconnect' })
    },
    close() {
      isClosed = true
      unwatch()
      clock.clearTimeout(rejoining)
      if (presence) leave(presence)
      presence = null
      alone?.close()
      status.set({ ...status.get(), phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
    },
  }

  function join(): void {
    if (presence || alone || isClosed) return
    const id = randomId()
    const controller = new AbortController()
    let channel: TabChannel
    try {
      channel = new tabs.BroadcastChannel(name)
    } catch {
      standAlone()
      return
    }
    const isHere = () => presence === here
    const here: Presence = {
      id,
      channel,
      controller,
      locks: tabLocks({
        locks: tabs.locks,
        name,
        id,
        signal: controller.signal,
        onLost: () => rejoin(here),
        onRefused: () => isHere() && standAlone(),
      }),
      isKnown: false,
      wishes: new Map(),
      leader: null,
      leading: null,
      watchdog: undefined,
      patience: clock.setTimeout(() => isHere() && standAlone(), GRANTED_MS),
    }
    presence = here
    channel.onmessage = ({ data }) => hear(here, data)
    here.locks.exist(() => {
      here.isKnown = true
      clock.clearTimeout(here.patience)
      here.patience = clock.setTimeout(() => isHere() && here.leader === null && standAlone(), SILENT_MS)
      say(here, { kind: 'here', isNew: true, ...mine })
      here.locks.lead(() => lead(here))
    })
  }

  function leave(here: Presence): void {
    const { leading } = here
    here.leading = null
    say(here, { kind: 'bye' })
    here.controller.abort()
    clock.clearTimeout(here.watchdog)
    clock.clearTimeout(here.patience)
    leading?.connection.close()
    here.channel.onmessage = null
    here.channel.close()
  }

  /** From the end of the queue. */
  function rejoin(here: Presence): void {
    if (presence !== here) return
    leave(here)
    presence = null
    status.set({ ...status.get(), role: 'follower' })
    const now = clock.now()
    losses.push(now)
    while ((losses[0] ?? now) < now - HANGS_MS) losses.shift()
    if (losses.length > MAX_LOSSES) standAlone()
    else if (losses.length === 1) join()
    // Whoever takes it away each time must not keep the page busy.
    else rejoining = clock.setTimeout(join, 100 + delayMs(DEFAULT_BACKOFF, losses.length))
  }

  /** As without sharing, from where this tab is. */
  function standAlone(): void {
    if (alone || isClosed) return
    if (presence) leave(presence)
    presence = null
    const connection = options.connect(listener, mine.position)
    alone = connection
    const show = () => status.set(connection.status.get())
    connection.status.subscribe(show)
    if (mine.channels.length > 0) connection.want(new Set(mine.channels), new Set(mine.names))
    show()
  }

  async function lead(here: Presence): Promise<void> {
    clock.clearTimeout(here.watchdog)
    here.leader = here.id
    await heardOf(here)
    if (here.controller.signal.aborted) return
    const furthest = [...here.wishes.values()].reduce(
      (furthest, wish) => laterOf(furthest, wish.position),
      mine.position,
    )
    const leading: Leading = {
      connection: options.connect(
        relay(here, () => leading),
        furthest,
      ),
      refused: new Map(),
      covered: new Set(),
    }
    here.leading = leading
    const { connection } = leading
    connection.status.subscribe(show)
    show()
    for (const id of here.wishes.keys()) missWhenGone(here, id)
    wantTogether(here, leading)

    function show(): void {
      // Its end is not theirs.
      if (here.leading !== leading) return
      const now = connection.status.get()
      status.set({ ...now, role: 'leader' })
      say(here, { kind: 'status', status: now })
    }
  }

  /** Asks how far each tab was told; resolves when all that live have said so. */
  async function heardOf(here: Presence): Promise<void> {
    here.wishes.clear()
    say(here, { kind: 'lead' })
    const end = clock.now() + ANSWER_MS
    const unanswered = new Promise<string[]>((resolve) => clock.setTimeout(() => resolve([]), ANSWER_MS))
    const others = await Promise.race([here.locks.others(), unanswered])
    while (others.some((id) => !here.wishes.has(id)) && clock.now() < end && !here.controller.signal.aborted) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
    }
  }

  function missWhenGone(here: Presence, id: string): void {
    here.locks.whenGone(id, () => {
      here.wishes.delete(id)
      if (here.leading) wantTogether(here, here.leading)
    })
  }

  function wantTogether(here: Presence, { connection, refused }: Leading): void {
    const all = [mine, ...here.wishes.values()]
    const channels = new Set(all.flatMap((wish) => wish.channels))
    for (const channel of refused.keys()) if (!channels.has(channel)) refused.delete(channel)
    connection.want(channels, new Set(all.flatMap((wish) => wish.names)))
  }

  /** Tells this tab and, in batches of a task, the others. */
  function relay(here: Presence, leading: () => Leading): SourceListener {
    let batch: Telling[] = []
    function pass(telling: Telling): void {
      if (batch.length === 0) queueMicrotask(flush)
      batch.push(telling)
      hearTelling(telling)
    }
    function flush(): void {
      say(here, { kind: 'told', tellings: batch })
      batch = []
    }
    return {
      frame: (frame, marks) => pass(['frame', frame, marks]),
      mark: (id) => pass(['mark', id]),
      covered(channels, position) {
        leading().covered = channels
        pass(['covered', [...channels], position])
      },
      gap: (notice) => pass(['gap', notice]),
      refused(channels, { message, status: code }) {
        for (const channel of channels) leading().refused.set(channel, [message, code])
        pass(['refused', channels, message, code])
      },
    }
  }

  function hearTelling(telling: Telling): void {
    switch (telling[0]) {
      case 'frame':
        if (telling[2]) reach(telling[1].id)
        listener.frame(telling[1], telling[2])
        break
      case 'mark':
        reach(telling[1])
        listener.mark(telling[1])
        break
      case 'covered':
        mine = { ...mine, position: mine.channels.length > 0 ? telling[2] : null }
        listener.covered(new Set(telling[1]), telling[2])
        break
      case 'gap':
        listener.gap(telling[1])
        break
      case 'refused': {
        const [, channels, message, code] = telling
        listener.refused(channels, new BoardcastError('refused', message, code === undefined ? {} : { status: code }))
        break
      }
      default:
        telling satisfies never
    }
  }

  function reach(id: string): void {
    if (mine.channels.length > 0) mine = { ...mine, position: laterOf(mine.position, id) }
  }

  function hear(here: Presence, message: SentMessage): void {
    const { from, kind } = message
    switch (kind) {
      case 'here': {
        const isUnknown = !here.wishes.has(from)
        here.wishes.set(from, message)
        if (message.isNew) say(here, { kind: 'here', isNew: false, ...mine })
        if (here.leading) {
          if (isUnknown) missWhenGone(here, from)
          wantTogether(here, here.leading)
          inform(here, here.leading, message)
        }
        break
      }
      case 'bye':
        here.wishes.delete(from)
        if (here.leading) wantTogether(here, here.leading)
        break
      case 'lead':
        // Its lock was taken away, and it does not know yet.
        if (here.leading) rejoin(here)
        else {
          here.leader = from
          say(here, { kind: 'here', isNew: false, ...mine })
          watch(here)
        }
        break
      case 'told':
        here.leader ??= from
        if (here.leader !== from) break
        watch(here)
        for (const telling of message.tellings) hearTelling(telling)
        break
      case 'status':
        here.leader ??= from
        if (here.leader === from) status.set({ ...message.status, role: 'follower' })
        break
      case 'reconnect':
        here.leading?.connection.reconnect()
        break
      default:
        kind satisfies never
    }
  }

  /** What stands, for a tab that says what it wants. */
  function inform(
    here: Presence,
    { connection, covered, refused }: Leading,
    { channels, isNew }: Wish & { isNew: boolean },
  ): void {
    const tellings: Telling[] = []
    for (const channel of channels) {
      const refusal = refused.get(channel)
      if (refusal) tellings.push(['refused', [channel], ...refusal])
    }
    if (connection.position !== null && isNew) tellings.push(['covered', [...covered], connection.position])
    // After what is still to be passed on in this task.
    queueMicrotask(() => {
      if (tellings.length > 0) say(here, { kind: 'told', tellings })
      if (isNew) say(here, { kind: 'status', status: connection.status.get() })
    })
  }

  /** A leader that is open passes on heartbeats at least. */
  function watch(here: Presence): void {
    clock.clearTimeout(here.watchdog)
    here.watchdog = clock.setTimeout(
      () => {
        if (status.get().phase === 'open') here.locks.takeOver(() => lead(here))
        else watch(here)
      },
      HANGS_MS * (1 + 0.2 * Math.random()),
    )
  }

  function say(here: Presence, message: TabMessage): void {
    if (!here.isKnown || here.controller.signal.aborted) return
    try {
      here.channel.postMessage({ ...message, from: here.id })
    } catch {
      // Not now: whoever says something may be in the midst of it.
      queueMicrotask(() => presence === here && standAlone())
    }
  }
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(2)), (number) => number.toString(36)).join('')
}
