/** The types of the catalogue that events are of, whatever they are named on their channels. */
import * as z from 'zod'
import { formatCursor, parseCursor } from '../../../shared/src/cursor.ts'
import { typesShown } from '../../expect/coverage/event-types.ts'
import type { Api } from '../api/api.ts'
import { CommandError } from '../process/exit.ts'
import type { Envelope } from './envelope.ts'

const page = z.object({ events: z.array(z.object({ id: z.string(), event: z.string() })) })

/**
 * Where several types show under one name (`card_updated`), the log is asked, unless all of them are `known`. What cannot
 * be found out there is left out.
 */
export async function typesOf(
  api: Api,
  envelopes: readonly Envelope[],
  known: ReadonlySet<string>,
): Promise<Set<string>> {
  const found = new Set<string>()
  for (const envelope of envelopes) {
    const types = typesShown(envelope)
    if (types.every((type) => known.has(type) || found.has(type))) continue
    const type = types.length === 1 ? types[0] : await typeInLog(api, envelope, types)
    if (type !== undefined) found.add(type)
  }
  return found
}

async function typeInLog(api: Api, { id }: Envelope, types: readonly string[]): Promise<string | undefined> {
  const cursor = parseCursor(id)
  if (cursor === null || cursor.seq === 0) return undefined
  const after = formatCursor(cursor.epoch, cursor.seq - 1)
  const query = new URLSearchParams({ channels: 'global', types: types.join(','), after, limit: '1' })
  try {
    const { value } = await api.read(page, 'GET', `/events?${query}`)
    return value.events.find((event) => event.id === id)?.event
  } catch (error) {
    // Without the right to `global`, or when the server has ended, nothing is known.
    if (error instanceof CommandError) return undefined
    throw error
  }
}
