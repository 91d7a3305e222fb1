/**
 * The channels of a socket, and the cursor from which each is resumed (docs/protocol.md, W42).
 *
 * An id advances a channel's cursor only after the channel was acknowledged on the same connection: before that, the
 * connection does not deliver the channel's events.
 */
import { type ChannelKind, parseChannelWithView } from '../../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { compareIds, laterOf } from '../base/frames.ts'

/** Proxies accept request lines of 8 KB. Channels that do not fit are joined by messages. */
const MAX_ADDRESS_LENGTH = 6_000

const WITH_SNAPSHOT: ReadonlySet<ChannelKind> = new Set<ChannelKind>(['board', 'dashboard', 'metrics'])
/** If the board does not exist, the server refuses a whole address that names one of these. */
const MUST_EXIST: ReadonlySet<ChannelKind> = new Set<ChannelKind>(['board', 'project'])

export interface SocketChannel {
  /** As frames spell it. */
  readonly name: string
  /** As the user spelled it, with a view. */
  readonly spelled: string
  readonly kind: ChannelKind | null
  /** Every event up to here was delivered. Undefined: begins with its snapshot, or with the next event. */
  cursor: string | undefined
  /** The server has acknowledged it on this connection. */
  isJoined: boolean
  /** It may be refused, so it is joined by a message of its own: the others must not be refused with it. */
  isDoubtful: boolean
}

/** The channels that an address names, and the one cursor that resumes all of them. */
export interface Addressed {
  readonly channels: readonly SocketChannel[]
  readonly since: string | undefined
}

export class SocketChannels {
  readonly #channels = new Map<string, SocketChannel>()
  /** The last id that advanced the joined channels. */
  #reached = ''

  get all(): SocketChannel[] {
    return [...this.#channels.values()]
  }

  get joined(): SocketChannel[] {
    return this.all.filter(({ isJoined }) => isJoined)
  }

  /** Undefined if the channel was added before. */
  add(spelled: string): SocketChannel | undefined {
    const parsed = parseChannelWithView(spelled)
    const name = parsed?.name ?? spelled
    if (this.#channels.has(name)) return undefined
    const channel: SocketChannel = {
      name,
      spelled,
      kind: parsed?.kind ?? null,
      cursor: undefined,
      isJoined: false,
      isDoubtful: parsed === null,
    }
    this.#channels.set(name, channel)
    return channel
  }

  get(name: string): SocketChannel | undefined {
    return this.#channels.get(name)
  }

  /** Returns the channel that was removed, if any. */
  remove(spelled: string): SocketChannel | undefined {
    const name = parseChannelWithView(spelled)?.name ?? spelled
    const channel = this.#channels.get(name)
    this.#channels.delete(name)
    return channel
  }

  /** On a new connection no channel is joined. */
  reset(): void {
    this.#reached = ''
    for (const channel of this.#channels.values()) channel.isJoined = false
  }

  /** The largest group of channels that have the same cursor. */
  addressed(): Addressed {
    const groups = new Map<string | undefined, SocketChannel[]>()
    for (const channel of this.#channels.values()) {
      if (channel.isDoubtful) continue
      const group = groups.get(channel.cursor) ?? []
      groups.set(channel.cursor, group)
      group.push(channel)
    }
    const [largest] = [...groups].sort(([a, left], [b, right]) => {
      return right.length - left.length || Number(a === undefined) - Number(b === undefined)
    })
    if (!largest) return { channels: [], since: undefined }
    const [since, group] = largest
    let length = 0
    const channels = group.slice(0, MAX_CHANNELS).filter(({ spelled }) => {
      length += spelled.length + 1
      return length <= MAX_ADDRESS_LENGTH
    })
    return { channels, since }
  }

  /** The connection delivers the channel's events after `id`. Empty: after an id that is not known yet. */
  acknowledge(channel: SocketChannel, id: string): void {
    channel.isJoined = true
    channel.isDoubtful = false
    // A channel with a snapshot has no cursor until the snapshot has come: resuming without it would skip it.
    if (channel.cursor === undefined && id !== '' && !hasSnapshot(channel)) channel.cursor = id
  }

  /** Every event up to `id` was delivered on the joined channels. */
  advance(id: string): void {
    const before = this.#reached
    if (id === before) return
    const isNewer = before === '' || compareIds(id, before) > 0
    for (const channel of this.#channels.values()) {
      if (!channel.isJoined) continue
      // Most channels have the connection's cursor, so that ids need not be compared.
      const isThere = isNewer && before !== '' && channel.cursor === before
      channel.cursor = isThere ? id : (laterOf(channel.cursor ?? null, id) ?? id)
    }
    if (isNewer) this.#reached = id
  }

  /** Events before `id` on these channels are lost. Channels with a snapshot get a new one. */
  gap(channels: readonly SocketChannel[], id: string): void {
    for (const channel of channels) channel.cursor = hasSnapshot(channel) ? undefined : id
    this.#reached = ''
  }

  /** The board was deleted, which ends its channels. They may come back with another board of that id. */
  boardDeleted(boardId: string): void {
    for (const name of [`board:${boardId}`, `project:${boardId}`]) {
      const channel = this.#channels.get(name)
      if (channel) Object.assign(channel, { cursor: undefined, isJoined: false, isDoubtful: true })
    }
  }

  /** The server refused an address because of one of its channels. False if none of them can be the reason. */
  addressRefused({ channels }: Addressed): boolean {
    const doubtful = channels.filter(({ kind }) => kind !== null && MUST_EXIST.has(kind))
    for (const channel of doubtful) channel.isDoubtful = true
    return doubtful.length > 0
  }
}

export interface AddressOptions {
  readonly baseUrl: string
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
}

export function addressOf(
  { baseUrl, agentId, sessionId }: AddressOptions,
  { channels, since }: Addressed,
  credentials: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams({ global: '0', more: '1', ...credentials })
  const given = { agent_id: agentId, session_id: sessionId, lastEventId: since }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  // Not escaped: channel names need no escapes, which would make the address a tenth longer.
  const list = channels.length > 0 ? `&channels=${channels.map(({ spelled }) => spelled).join(',')}` : ''
  return `${baseUrl.replace(/^http/, 'ws')}/ws?${query}${list}`
}

function hasSnapshot({ kind }: SocketChannel): boolean {
  return kind !== null && WITH_SNAPSHOT.has(kind)
}
