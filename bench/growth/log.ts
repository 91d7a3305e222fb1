import { copyFileSync, existsSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { dirname, join } from 'node:path'
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Bench, Readings } from '../load.ts'
import { measured, using } from '../load.ts'
import { fill } from '../loads/log.ts'
import { removeFolder, tempFolder } from '../temp.ts'
import type { Axis } from './axis.ts'

/** Events of the small board that is read while the log grows. */
const SMALL = 1_000

/** More events in the log. */
export const log: Axis = {
  name: 'log',
  title: 'More events in the log',
  sentence:
    'One database is filled with the lines of one board. A second board of 1,000 events is read, and a third is written to. The server is restarted at every size.',
  unit: 'events in the log',
  sizes: (bench) => bench.pick({ full: [1e3, 1e4, 1e5, 1e6], quick: [1e3, 1e4, 1e5], tiny: [1e3, 2e3] }),
  async measure(bench, sizes, progress) {
    let server = await startBoardcast({ boards: 3 })
    try {
      const found: Readings[] = []
      await printOnSecond(bench, server)
      let filled = 0
      for (const size of sizes) {
        progress(`log: ${size} events`)
        await fill(bench, server, size - filled)
        filled = size
        const again = await server.restart()
        server = again.server
        const diskMib = statSync(server.dbPath).size / 2 ** 20
        found.push({
          ready: again.readyMs,
          diskMib,
          ...(await measureAt(bench, server)),
          perS: await writesOn(bench, server),
        })
      }
      return found
    } finally {
      await server.stop()
    }
  },
  panels: [
    { title: 'start until ready, ms', curves: [{ reading: 'ready', title: 'Boardcast' }] },
    {
      title: 'POST to listener, ms',
      curves: [
        { reading: 'p50', title: 'p50' },
        { reading: 'p99', title: 'p99' },
      ],
    },
    { title: 'durable mutations per second', curves: [{ reading: 'perS', title: '64 in flight' }] },
    {
      title: 'a stream of the small board, ms',
      curves: [
        { reading: 'open', title: 'fresh' },
        { reading: 'resume', title: 'all 1,000 replayed' },
      ],
    },
    { title: 'resident memory, MiB', curves: [{ reading: 'mib', title: 'after the start' }] },
    { title: 'size of the database, MiB', curves: [{ reading: 'diskMib', title: 'file' }] },
  ],
}

async function printOnSecond(bench: Bench, server: Boardcast): Promise<void> {
  const publish = `/api/v1/attempts/${server.boards[1]?.attemptId}/logs`
  await measured(bench, server, {
    publishers: 1,
    requests: SMALL / 100,
    batch: 100,
    before: '{"lines":[',
    item: '{"message":"%t%p"}',
    after: ']}',
    seconds: 20,
    publish,
  })
}

async function measureAt(bench: Bench, server: Boardcast): Promise<Readings> {
  const [, small, third] = server.boards
  const stream = `/sse?boardId=${small?.id}&view=diff`
  const idle = await measured(bench, server, { publishers: 0, seconds: 0.1 })
  const open = await medianTime(() => firstBytes(server.port, stream, 'event: state'))
  const seconds = bench.pick({ full: 3, quick: 1, tiny: 0.3 })
  const resume = await measured(bench, server, {
    listeners: 1,
    expect: SMALL,
    seconds: 20,
    stream: `${stream}&since=earliest`,
  })
  const slow = await measured(bench, server, {
    listeners: 10,
    rate: 50,
    seconds,
    warmS: 1,
    stream: `/sse?boardId=${third?.id}&view=diff`,
    publish: `/api/v1/attempts/${third?.attemptId}/logs`,
  })
  return {
    open,
    resume: resume.replayS * 1_000,
    p50: slow.p50Ms,
    p99: slow.p99Ms,
    mib: idle.rssBeforeKb / 1024,
  }
}

/** Works on a copy of the database, because it writes tens of thousands of events. */
async function writesOn(bench: Bench, server: Boardcast): Promise<number> {
  const folder = tempFolder('bench', dirname(dirname(server.dbPath)))
  try {
    const copy = join(folder, 'copy.db')
    for (const part of ['', '-wal']) {
      if (existsSync(server.dbPath + part)) copyFileSync(server.dbPath + part, copy + part)
    }
    return await using(startBoardcast({ boards: 0, env: { BOARDCAST_DB: copy } }), async (other) => {
      const { ackedPerS } = await measured(bench, other, {
        publishers: 64,
        seconds: bench.pick({ full: 3, quick: 1, tiny: 0.3 }),
        warmS: 1,
        publish: '/api/v1/topics/bench/events',
        before: '{"event":"tick","data":"',
      })
      return ackedPerS
    })
  } finally {
    removeFolder(folder)
  }
}

async function medianTime(action: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < 15; n++) {
    const began = performance.now()
    await action()
    times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[7] ?? Number.NaN
}

/** Opens a stream, and closes it when the text has arrived. */
function firstBytes(port: number, path: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let received = ''
      response.on('data', (chunk: Buffer) => {
        received += chunk.toString()
        if (!received.includes(text)) return
        response.destroy()
        resolve()
      })
    })
    request.on('error', reject)
  })
}
