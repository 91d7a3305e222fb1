/** A doorbell by a line, over a line that the test holds in its hand. Rules of docs/nodes.md. */
import { expect, onTestFinished, test } from 'vitest'
import { type Line, LineDoorbell, type LineOptions } from '../../src/db/line-doorbell.ts'

/**
 * Every line that was opened, with what was sent on it. Probes come back; the answers to rings are held. `check`: of every
 * line.
 */
function openDoorbell({ check }: Pick<Line, 'check'> = {}) {
  const lines: Array<{
    options: LineOptions
    sent: string[]
    /** The last ring has been answered. */
    answer: (error?: Error) => void
    hasEcho: boolean
    probes: number
  }> = []
  const reports: string[] = []
  let epoch = 'e1'
  const bell = new LineDoorbell({
    async open(options) {
      const line: (typeof lines)[number] = { options, sent: [], answer: () => {}, hasEcho: true, probes: 0 }
      lines.push(line)
      return {
        ...(check && { check }),
        send(text) {
          if (text.endsWith(':0')) {
            line.probes += 1
            if (line.hasEcho) options.onHeard(text)
            return Promise.resolve()
          }
          line.sent.push(text)
          return new Promise((resolve, reject) => {
            line.answer = (error) => (error ? reject(error) : resolve(undefined))
          })
        },
      }
    },
    epoch: () => epoch,
    onFailure: (error) => reports.push(String(error)),
    onReturn: () => reports.push('return'),
  })
  onTestFinished(() => bell.stop())
  const heard: number[] = []
  bell.onRing((head) => heard.push(head))
  return {
    bell,
    lines,
    reports,
    heard,
    setEpoch(next: string) {
      epoch = next
    },
  }
}

test('[N7a] rings that come while one is on its way are joined', async () => {
  const { bell, lines } = openDoorbell()
  await bell.tried
  for (let head = 1; head <= 5; head++) bell.ring(head)
  expect(lines[0]?.sent).toEqual(['e1:1'])
  lines[0]?.answer()
  await expect.poll(() => lines[0]?.sent).toEqual(['e1:1', 'e1:5'])
  bell.ring(6)
  bell.ring(7)
  lines[0]?.answer()
  await expect.poll(() => lines[0]?.sent).toEqual(['e1:1', 'e1:5', 'e1:7'])
  lines[0]?.answer()
  await new Promise((resolve) => setImmediate(resolve))
  bell.ring(8)
  expect(lines[0]?.sent).toEqual(['e1:1', 'e1:5', 'e1:7', 'e1:8'])
})

test('[N7b] only rings of the same log are heard; probes and anything else wake nobody', async () => {
  const { bell, lines, heard } = openDoorbell()
  await bell.tried
  for (const text of [
    'e2:3',
    'e1:0',
    '',
    'e1',
    'e1:-1',
    'e1:4x',
    'e1:1e9',
    `e1:${'9'.repeat(400)}`,
    'x:e1:5',
    'e1:6',
  ]) {
    lines[0]?.options.onHeard(text)
  }
  expect(heard).toEqual([6])
})

test('[N7d] a ring that cannot be sent ends the line, and another one is opened', async () => {
  const { bell, lines, reports } = openDoorbell()
  await bell.tried
  bell.ring(1)
  lines[0]?.answer(new Error('of this test'))
  await expect.poll(() => bell.status).toBe('degraded')
  expect(lines[0]?.options.signal.aborted).toBe(true)
  await expect.poll(() => bell.status).toBe('ok')
  expect(reports).toEqual(['Error: of this test', 'return'])
  bell.ring(2)
  expect(lines.map(({ sent }) => sent)).toEqual([['e1:1'], ['e1:2']])
})

test('[N7d] a line on which nothing comes back is given up, though nothing reports an error', async () => {
  const { bell, lines, reports } = openDoorbell()
  await bell.tried
  for (const line of lines) line.hasEcho = false
  await expect.poll(() => reports, { timeout: 10_000 }).toEqual(['Error: no answer within 2.5 s', 'return'])
  expect(lines.map(({ options }) => options.signal.aborted)).toEqual([true, false])
})

test('[N7d] a line with a check of its own is probed once, and given up when the check fails', async () => {
  let checks = 0
  const { bell, lines, reports } = openDoorbell({
    async check() {
      checks += 1
      if (checks === 2) throw new Error('of this test')
    },
  })
  await bell.tried
  await expect.poll(() => reports, { timeout: 10_000 }).toEqual(['Error: of this test', 'return'])
  expect([checks, lines.map(({ probes }) => probes)]).toEqual([2, [1, 1]])
})

test('[N7d] what a line that was given up reports or hears later changes nothing', async () => {
  const { bell, lines, reports, heard } = openDoorbell()
  await bell.tried
  lines[0]?.options.onLost(new Error('lost'))
  lines[0]?.options.onLost(new Error('lost again'))
  await expect.poll(() => bell.status).toBe('degraded')
  await expect.poll(() => bell.status).toBe('ok')
  lines[0]?.options.onLost(new Error('late'))
  lines[0]?.options.onHeard('e1:9')
  expect([bell.status, reports, heard]).toEqual(['ok', ['Error: lost', 'return'], []])
})

test('[N7b] nodes that took up another epoch ring and hear on a line of that', async () => {
  const { bell, lines, heard, reports, setEpoch } = openDoorbell()
  await bell.tried
  setEpoch('e2')
  await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(2)
  await expect.poll(() => lines[0]?.options.signal.aborted).toBe(true)
  await expect.poll(() => bell.status).toBe('ok')
  bell.ring(3)
  lines[1]?.options.onHeard('e2:4')
  lines[1]?.options.onHeard('e1:5')
  expect([lines[1]?.options.epoch, lines[1]?.sent, heard, reports]).toEqual(['e2', ['e2:3'], [4], []])
})

test('[N7d] stopping closes the line, and nothing is opened or reported after it', async () => {
  const { bell, lines, reports } = openDoorbell()
  const other = openDoorbell()
  await Promise.all([bell.tried, other.bell.tried])
  bell.stop()
  expect(lines[0]?.options.signal.aborted).toBe(true)
  bell.ring(1)
  other.lines[0]?.options.onLost(new Error('lost'))
  // One that was not stopped would have opened another line by then, and reported it.
  await expect.poll(() => other.reports).toEqual(['Error: lost', 'return'])
  expect([lines.length, reports]).toEqual([1, []])
})
