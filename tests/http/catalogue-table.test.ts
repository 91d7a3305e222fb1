/** The table of events: every entry is complete, its example is valid, and its names work on the wire. Rules CAT6, CAT9 to CAT11. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { outputBatch } from '../../shared/src/catalogue/attempts.ts'
import { catalogue, type Destination, type Entry, type EventType, placementsOf } from '../../shared/src/catalogue.ts'
import { parseChannel } from '../../shared/src/channels.ts'
import { CONTROL, RESERVED_EVENT_NAMES, SNAPSHOT } from '../../shared/src/protocol.ts'
import { holds } from '../../shared/src/visibility.ts'
import { scenarios } from '../support/scenarios/all.ts'
import { strictly } from '../support/strictly.ts'

const types = Object.keys(catalogue) as EventType[]
const NAME = /^[a-z][a-z_]*(\.[a-z][a-z_]*)*$/
const taken = new Set<string>([...RESERVED_EVENT_NAMES, ...Object.values(CONTROL), ...Object.values(SNAPSHOT)])

describe('the table', () => {
  it('[CAT9] has a scenario for every event, and no scenario for another', () => {
    expect(Object.keys(scenarios).sort()).toEqual([...types].sort())
  })
})

describe.each(types)('the entry %s', (type) => {
  const entry: Entry = catalogue[type]
  const whole = strictly(entry.about, entry.shows)

  it('[CAT9] has an example that is exactly what its schemas describe', () => {
    expect(Object.keys(entry.example).length).toBeGreaterThan(0)
    expect(whole.parse(entry.example)).toEqual(entry.example)
    expect(() => whole.parse({ ...entry.example, surplus: 1 })).toThrow()
    for (const [field, schema] of Object.entries(whole.shape)) {
      const { [field]: _, ...without } = entry.example
      const isOptional = z.safeParse(schema as z.ZodType, undefined).success
      expect(whole.safeParse(without).success, `without ${field}`).toBe(isOptional)
    }
  })

  it('[CAT10] has an example in the order of its schemas: about, then shows', () => {
    const order = [...Object.keys(entry.about.shape), ...Object.keys(entry.shows.shape)]
    expect(Object.keys(entry.example)).toEqual(order.filter((field) => field in entry.example))
    expect(new Set(order).size, 'a field belongs to one part').toBe(order.length)
  })

  it('[CAT6] turns its example into what the schema of each destination describes', () => {
    for (const { channel, lines, data, payload } of entry.to) {
      const made = lines ? { timestamp: 0, lines: lines(entry.example) } : data?.(entry.example)
      expect(payload !== undefined, `${channel} declares the schema of what it makes`).toBe(made !== undefined)
      if (made) expect(strictly(payload ?? outputBatch).parse(made), channel).toEqual(made)
    }
  })

  it('[CAT11] has names that no event about the stream has, and that need no escaping', () => {
    for (const name of [type, ...entry.to.map(({ event }) => event)]) {
      expect(name).toMatch(NAME)
      expect(taken.has(name), name).toBe(false)
    }
  })

  it('[CAT11] goes to channels that a client can name, to each at most under one name', () => {
    const placements = placementsOf(entry, entry.example)
    for (const { channel } of placements) if (channel !== '*') expect(parseChannel(channel)?.name).toBe(channel)
    expect(new Set(placements.map(({ channel }) => channel)).size).toBe(placements.length)
    expect(placements.length).toBe(
      entry.to.filter((to: Destination) => !to.when || holds(to.when, entry.example)).length,
    )
  })
})
