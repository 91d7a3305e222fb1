/** The names that `EventPattern` offers, against the catalogue. */
import { expect, test } from 'vitest'
import { catalogue, type Entry } from '../../shared/src/catalogue.ts'
import { OWN_NAMES } from '../../src/testing/event-name.ts'

test('[CMD37b] every name of the catalogue is offered', () => {
  const entries = Object.values<Entry>(catalogue).filter(({ isPosted }) => !isPosted)
  const names = entries.flatMap(({ to }) => to.filter(({ silent }) => !silent).map(({ event }) => event))
  expect([...OWN_NAMES].sort()).toEqual([...new Set(names)].filter((name) => !(name in catalogue)).sort())
})
