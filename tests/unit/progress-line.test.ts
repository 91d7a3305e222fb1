/** The line on a terminal that tells how far a copy is. COPY8 is stated in docs/cli.md. */
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { describeProgress, ProgressLine } from '../../src/cli/server/progress-line.ts'

const HALF = { events: 1_000, totalEvents: 2_000, rows: 10, totalRows: 20 }

function output(isTTY: boolean): { stream: NodeJS.WriteStream; written(): string } {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY }) as unknown as NodeJS.WriteStream, written: () => text }
}

test('[COPY8] the line has events, rows, the rate and the time that is left', () => {
  expect(describeProgress(HALF, 2)).toBe('1000 of 2000 events, 10 of 20 rows, 505/s, 2 s left')
})

test('[COPY8] it is written to a terminal, in place, and to nothing else', () => {
  const terminal = output(true)
  const line = new ProgressLine(terminal.stream)
  line.show(HALF)
  line.show(HALF)
  line.clear()
  line.clear()
  const [before, shown, after, ...more] = terminal.written().split('\r\x1b[K')
  expect([before, shown, after, more]).toEqual(['', expect.stringMatching(/^boardcast: 1000 of 2000 events/), '', []])

  const pipe = output(false)
  const silent = new ProgressLine(pipe.stream)
  silent.show(HALF)
  silent.clear()
  expect(pipe.written()).toBe('')
})
