/** Events without listeners: a commit must cost nothing beyond the commit itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { parseChannelWithView } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { EVERY_TYPE } from '../../shared/src/type-filter.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, moveCard } from '../../src/domain/cards.ts'
import { snapshotSources } from '../../src/server/snapshot-sources.ts'
import { Bus } from '../../src/sse/bus.ts'
import type { Framing } from '../../src/sse/delivery/framing.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import type { SnapshotSource } from '../../src/sse/delivery/snapshot-source.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { createListeners } from '../../src/sse/listeners.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'
import { storeOn } from '../support/test-store.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A store whose commits are published, with counts of all encoding and rendering. */
async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-'))
  folders.push(folder)
  const database = openSqlite(join(folder, 'test.db'), 'process')
  await migrate(oneConnection(database))
  const made = { frames: 0, packets: 0, snapshots: 0 }
  const plain = sseFraming({ chunked: false, gzip: false, envelope: false })
  const framing: Framing = {
    ...plain,
    key: 'counted',
    frame(...shown) {
      made.frames += 1
      return plain.frame(...shown)
    },
    pack(frames) {
      made.packets += 1
      return plain.pack(frames)
    },
  }
  const fail = (error: unknown) => {
    throw error
  }
  const store = await storeOn(database, (...published) => listeners.advance(...published))
  const bus = new Bus(store.head, (seq) => formatCursor(store.epoch, seq), fail)
  const counted = (source: SnapshotSource): SnapshotSource => ({
    ...source,
    render(sql, id, sees) {
      made.snapshots += 1
      return source.render(sql, id, sees)
    },
  })
  const sources = Object.fromEntries(Object.entries(snapshotSources).map(([kind, source]) => [kind, counted(source)]))
  const snapshots = new Snapshots(store, bus, sources, fail)
  const listeners = createListeners(bus, snapshots, fail)
  function listen(channel: string): void {
    const heard = parseChannelWithView(channel)
    if (!heard) throw new Error(channel)
    bus.subscribe(new Selection([heard], EVERY_TYPE), framing).audience.join({ offer: () => undefined })
  }
  async function work(): Promise<void> {
    const card = await store.transact((tx) => createCard(tx, 'busy', { title: 'A card' }))
    await store.transact((tx) => moveCard(tx, card.id, { columnKey: 'review' }))
    // Snapshots are rendered after the turn's mutations, so by now all of them are, if there are any.
    await store.transact(async () => undefined)
    await store.read(async () => undefined)
  }
  for (const id of ['busy', 'quiet']) await store.transact((tx) => createBoard(tx, { id, name: id }))
  return {
    made,
    listen,
    work,
    close() {
      snapshots.stop()
      database.close()
    },
  }
}

it('[Y14] events without listeners are neither encoded nor rendered, whatever other listeners there are', async () => {
  const { made, listen, work, close } = await setUp()
  listen('board:quiet;full')
  listen('topic:other')
  await work()
  expect(made).toEqual({ frames: 0, packets: 0, snapshots: 0 })
  close()
})

it('[Y14] events with listeners are encoded once and rendered', async () => {
  const { made, listen, work, close } = await setUp()
  listen('board:busy')
  listen('board:busy;full')
  listen('dashboard')
  await work()
  expect(made.frames).toBeGreaterThanOrEqual(3)
  expect(made.packets).toBeGreaterThanOrEqual(3)
  expect(made.snapshots).toBeGreaterThanOrEqual(2)
  close()
})
