/**
 * Patterns of channels, as tokens list them: a channel's name, or the beginning of names before a `*` at the end
 * (`board:demo`, `agent:*`, `*`). A second spelling of a channel (`agents/ID`) names the same channel.
 */
import { type ChannelKind, channelName, parseChannel } from '../../shared/src/channels.ts'

/** Which ids of one kind of channel a set of patterns matches. */
export interface IdRange {
  readonly all: boolean
  readonly ids: readonly string[]
  /** Beginnings of ids. */
  readonly prefixes: readonly string[]
}

export class ChannelPatterns {
  static readonly all = new ChannelPatterns(['*'])
  static readonly none = new ChannelPatterns([])

  /** Equal for sets that match the same names. */
  readonly key: string
  readonly isAll: boolean
  readonly isEmpty: boolean
  readonly #names: ReadonlySet<string>
  /** Beginnings of names; no other one of the set begins with it. */
  readonly #prefixes: readonly string[]

  private constructor(texts: readonly string[]) {
    const prefixes = withoutCovered(texts.filter(isPrefix).map((text) => canonicalPrefix(text.slice(0, -1))))
    const names = texts.filter((text) => !isPrefix(text)).map((text) => parseChannel(text)?.name ?? text)
    this.#prefixes = prefixes
    this.#names = new Set(names.filter((name) => !prefixes.some((prefix) => name.startsWith(prefix))))
    this.isAll = prefixes.includes('')
    this.isEmpty = texts.length === 0
    this.key = [...prefixes.map((prefix) => `${prefix}*`), ...this.#names].sort().join(',')
  }

  static of(texts: readonly string[]): ChannelPatterns {
    if (texts.length === 0) return ChannelPatterns.none
    const patterns = new ChannelPatterns(texts)
    return patterns.isAll ? ChannelPatterns.all : patterns
  }

  /** `channel` is a name as the server spells it. */
  matches(channel: string): boolean {
    if (this.isAll || this.#names.has(channel)) return true
    for (const prefix of this.#prefixes) if (channel.startsWith(prefix)) return true
    return false
  }

  /** Whether every channel of a kind is matched, whatever its id. */
  covers(kind: ChannelKind): boolean {
    const start = channelName(kind, '')
    return this.#prefixes.some((prefix) => start.startsWith(prefix)) || this.#matchesSingle(start)
  }

  /** Whether whatever these match, `others` match too. */
  isWithin(others: ChannelPatterns): boolean {
    return (
      this.#prefixes.every((prefix) => others.#prefixes.some((other) => prefix.startsWith(other))) &&
      [...this.#names].every((name) => others.matches(name))
    )
  }

  /** For the name of a kind that has one channel only. */
  #matchesSingle(name: string): boolean {
    return this.#names.has(name) && parseChannel(name) !== null
  }

  idsOf(kind: ChannelKind): IdRange {
    const start = channelName(kind, '')
    return {
      all: this.covers(kind),
      ids: [...this.#names].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length)),
      prefixes: this.#prefixes
        .filter((prefix) => prefix.startsWith(start) && prefix !== start)
        .map((prefix) => prefix.slice(start.length)),
    }
  }
}

function isPrefix(text: string): boolean {
  return text.endsWith('*')
}

/** `card:*` means `issue:*`. A beginning of names as the server spells them stays as it is. */
function canonicalPrefix(prefix: string): string {
  const probe = parseChannel(`${prefix}x`)
  if (!probe) return prefix
  const start = channelName(probe.kind, '')
  return start.startsWith(prefix) || prefix.startsWith(start) ? prefix : probe.name.slice(0, -1)
}

function withoutCovered(prefixes: readonly string[]): string[] {
  const unique = [...new Set(prefixes)]
  return unique.filter((prefix) => !unique.some((other) => other !== prefix && prefix.startsWith(other)))
}
