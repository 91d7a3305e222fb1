/** Which events a command is about: its channels, and the names of the events. */
import { parseChannelWithView } from '../../../shared/src/channels.ts'
import { globs, listOf } from '../../text/glob.ts'
import { usageError } from '../process/exit.ts'
import type { Envelope } from '../stream/envelope.ts'
import { unknownNames } from '../stream/unknown-names.ts'
import { conditionsOf } from './conditions.ts'

export interface SelectionOptions {
  readonly board?: string
  readonly channel?: readonly string[]
  readonly type?: readonly string[]
  readonly until?: readonly string[]
  /** Of every event, also of the one that ends the command. */
  readonly where?: readonly string[]
}

export interface Selection {
  readonly channels: readonly string[]
  /** As the server's `types` parameter takes them; none if it cannot express them. */
  readonly types: readonly string[]
  isWanted(envelope: Envelope): boolean
  /** The last event that is wanted; undefined: there is no such event. */
  readonly isLast: ((envelope: Envelope) => boolean) | undefined
  /** Names that no event has, with the nearest one that an event has. */
  readonly warnings: readonly string[]
}

/** Throws a usage error for a channel that cannot exist, and for a condition that cannot be read. */
export function selectionOf({ board, channel, type, until, where }: SelectionOptions): Selection {
  const conditions = conditionsOf(where)
  const channels = channelsOf(board, channel)
  const wanted = listOf(type)
  const last = listOf(until)
  const isType = wanted.length === 0 ? () => true : globs(wanted)
  const isUntil = last.length === 0 ? undefined : globs(last)
  return {
    channels,
    // Without --type everything is wanted, whatever ends the command.
    types: wanted.length === 0 ? [] : typesParameter([...wanted, ...last]),
    isWanted: (envelope) =>
      (isType(envelope.event) || isUntil?.(envelope.event) === true) && conditions.areMet(envelope),
    isLast: isUntil && (({ event }) => isUntil(event)),
    warnings: [...unknownNames([...wanted, ...last], channels), ...conditions.warnings],
  }
}

/** Without any, `global`. */
export function channelsOf(board: string | undefined, given: readonly string[] | undefined): readonly string[] {
  const names = board === undefined ? listOf(given) : [`board:${board}`]
  for (const name of names) {
    if (parseChannelWithView(name) !== null) continue
    if (board !== undefined) throw usageError(`--board ${board}: this is not the id of a board.`)
    throw usageError(
      `--channel ${name}: this is not a channel. Write board:ID, project:ID, issue:ID, attempt:ID, agent:ID, session:ID, workflow:run:ID, shell:terminal:ID, topic:NAME or global.`,
    )
  }
  return names.length === 0 ? ['global'] : [...new Set(names)]
}

/** The server takes a star at the end of a name only. */
function typesParameter(names: readonly string[]): readonly string[] {
  return names.every((name) => /^[^*]*\*?$/.test(name)) ? names : []
}
