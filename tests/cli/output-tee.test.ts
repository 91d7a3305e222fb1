// RUN5   Buffered output is bounded: while the log, or the reader of our output, has no room, the pipe is not read.
// RUN9   The program's output passes through byte for byte, and its lines are the attempt's log.

import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createOutputTee } from '../../src/cli/run/output-tee.ts'

test('[RUN5] a paused tee reads nothing, a resumed one continues, and nothing is lost', async () => {
  const source = new PassThrough()
  const { sink, written } = collector()
  const lines: string[] = []
  const tee = createOutputTee(source, sink, (more) => {
    lines.push(...more)
    if (lines.length === 1) tee.pause()
  })
  for (const text of ['one\n', 'two\n', 'thr', 'ee']) source.write(text)
  source.end()
  await turns(20)
  expect(lines).toEqual(['one'])
  expect(written()).toBe('one\n')

  tee.resume()
  await tee.done
  expect(lines).toEqual(['one', 'two', 'three'])
  expect(written()).toBe('one\ntwo\nthree')
})

test('[RUN5] stays paused when Node resumes the pipe of a child that has ended', async () => {
  const source = new PassThrough()
  const lines: string[] = []
  const tee = createOutputTee(source, collector().sink, (more) => {
    lines.push(...more)
    tee.pause()
  })
  for (let count = 0; count < 10; count += 1) source.write(`${count}\n`)
  await turns(20)
  source.resume()
  await turns(20)
  expect(lines).toEqual(['0', '1'])
})

test('[RUN5] waits for a slow reader of our output', async () => {
  const source = new PassThrough()
  const taken: string[] = []
  let next = () => {}
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      taken.push(String(chunk))
      next = done
    },
  })
  const tee = createOutputTee(source, sink, () => {})
  for (const text of ['a', 'b', 'c']) source.write(text)
  await turns(20)
  expect(taken).toEqual(['a'])
  expect(tee.isPaused()).toBe(true)
  while (taken.length < 3) {
    next()
    await turns(5)
  }
  expect(taken).toEqual(['a', 'b', 'c'])
})

test('[RUN9] when the reader of our output goes away, the program’s pipe is closed', async () => {
  const source = new PassThrough()
  const { sink } = collector()
  const lines: string[] = []
  const tee = createOutputTee(source, sink, (more) => lines.push(...more))
  source.write('before\nand a part')
  await turns(5)
  sink.destroy(new Error('EPIPE'))
  await Promise.all([tee.done, source.closed || once(source, 'close')])
  expect(source.destroyed).toBe(true)
  expect(lines).toEqual(['before', 'and a part'])
})

function collector() {
  const parts: Buffer[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk)
      done()
    },
  })
  return { sink, written: () => Buffer.concat(parts).toString() }
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve))
}
