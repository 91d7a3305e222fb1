/**
 * Snapshots at the edges of a board's life.
 *
 *   U12  A board that was deleted and made again under its id shows its own state, not that of the one before.
 *   U14  A listener of several channels goes on without a board that was deleted, and a replay of that looks the same.
 */
import { expect, test } from 'vitest'
import { createBoard, deleteBoard } from '../../src/domain/boards.ts'
import { createCard } from '../../src/domain/cards.ts'
import { bareOf } from '../support/received.ts'
import { type SimulatedListener, Simulation } from '../support/simulation.ts'

async function makeAgain(simulation: Simulation): Promise<void> {
  const { store } = simulation
  await store.transact((tx) => deleteBoard(tx, 'demo'))
  await store.transact((tx) => createBoard(tx, { id: 'demo', name: 'Second' }))
  await store.transact((tx) => createCard(tx, 'demo', { title: 'of the second' }))
}

function shown({ received }: SimulatedListener): string[] {
  return received.stretches.flatMap(({ frames }) => frames.map(({ event, seq }) => `${seq} ${event}`))
}

test('[U12] a board that is created again under its id begins with its own state', async () => {
  await using simulation = await Simulation.start()
  const { store } = simulation
  await store.transact((tx) => createBoard(tx, { id: 'demo', name: 'First' }))
  const early = simulation.listener({ channels: ['board:demo'], view: 'full' }, true)
  early.connect()
  await simulation.quiesce([early])
  early.cut()
  await store.transact((tx) => deleteBoard(tx, 'demo'))
  await store.transact((tx) => createBoard(tx, { id: 'demo', name: 'Second' }))

  const late = simulation.listener({ channels: ['board:demo'], view: 'full' }, true)
  late.connect()
  await simulation.quiesce([late])
  const state = JSON.parse(JSON.stringify(await simulation.stateOf('demo')))
  expect(late.received.stretch.frames.map(({ event, text }) => [event, bareOf(text)])).toEqual([['state', state]])
})

test('[U14] after the deletion of a board a live stream and a replay show the same', async () => {
  await using simulation = await Simulation.start()
  const { store } = simulation
  for (const id of ['demo', 'other']) await store.transact((tx) => createBoard(tx, { id, name: id }))
  const channels = ['board:demo', 'project:other']
  const [live, behind] = [simulation.listener({ channels }, false), simulation.listener({ channels }, false)]
  for (const listener of [live, behind]) listener.connect()
  await simulation.quiesce([live, behind])
  behind.cut()
  await makeAgain(simulation)
  await store.transact((tx) => createCard(tx, 'other', { title: 'elsewhere' }))
  behind.connect()
  await simulation.settle([live, behind])
  expect(shown(live)).toEqual(shown(behind))
  expect(shown(live).map((text) => text.split(' ')[1])).toEqual(['state', 'board_deleted', 'issue_created'])
})
