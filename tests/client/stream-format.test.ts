/**
 * How the client reads `text/event-stream`, compared with the standard (WHATWG HTML, 9.2): the cases of the web platform
 * tests for EventSource about the format, the request and the answer.
 *
 * CT10  The format, however the bytes are split into chunks.
 * CT11  A stream is a 200 with the right essence of the type.
 * CT12  The request is that of an EventSource.
 * CT8   Redirects of streams are followed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fetchTransport, streamParser } from '../../web/client/connection/fetch-transport.ts'
import type { RawFrame, StreamEnd } from '../../web/client/connection/transport.ts'

const LONG = 'x'.repeat(5_000)

interface Parsed {
  readonly frames: RawFrame[]
  readonly retries: number[]
}

function parse(chunks: readonly Uint8Array[]): Parsed {
  const parsed: Parsed = { frames: [], retries: [] }
  const feed = streamParser({
    frame: (frame) => parsed.frames.push(frame),
    retry: (ms) => parsed.retries.push(ms),
  })
  for (const chunk of chunks) feed(chunk)
  return parsed
}

const bytes = (text: string) => new TextEncoder().encode(text)

/** Written as `message data`, with the name or the id if they are not the default. */
function short({ frames }: Parsed): string[] {
  return frames.map(({ event, data, id }) => `${event}${id === undefined ? '' : `#${id}`} ${JSON.stringify(data)}`)
}

const FORMAT: ReadonlyArray<readonly [what: string, text: string, frames: string[], retries?: number[]]> = [
  ['one event', 'data:msg\n\n', ['message "msg"']],
  ['an event that has no empty line after it', 'data:one\n\ndata:two\n', ['message "one"']],
  ['an id without an event is not one', 'data:one\n\nid:7\ndata:two', ['message "one"']],
  ['lines of data are joined', 'data:msg\ndata: msg\n\n', ['message "msg\\nmsg"']],
  ['a comment alone is no event', ':\n\n: hello\n\ndata:end\n\n', ['message "end"']],
  ['unknown fields', 'falsefield:msg\n\nfoo\n\ndata:x\nfoobar:xxx\njustsometext\ndata:y\n\n', ['message "x\\ny"']],
  ['names of fields are compared as they are', 'Data:data\nDATA:x\n\ndata:end\n\n', ['message "end"']],
  ['a name with a space before it', ' data:x\ndata:y\n\n', ['message "y"']],
  [
    'names with something in or after them',
    'da-ta:3\ndata_5\ndatax:1\ndata\0:2\n\0data:4\ndata:end\n\n',
    ['message "end"'],
  ],
  [
    'a field without a colon is empty',
    'data\n\ndata\ndata\n\ndata:test\n\n',
    ['message ""', 'message "\\n"', 'message "test"'],
  ],
  ['data that is empty', 'data:\n\n', ['message ""']],
  [
    'only the first space is dropped',
    'data: one\n\ndata:  two\n\ndata:\ttab\n\n',
    ['message "one"', 'message " two"', 'message "\\ttab"'],
  ],
  ['data that is one space', 'data: \ndata:test\n\n', ['message "\\ntest"']],
  ['colons in data', 'data:a:b: c\n\n', ['message "a:b: c"']],
  ['NUL in data', 'data:\0\n\ndata:a\0b\n\n', ['message "\\u0000"', 'message "a\\u0000b"']],
  ['LF', 'data:a\ndata:b\n\ndata:c\n\n', ['message "a\\nb"', 'message "c"']],
  ['CR', 'data:a\rdata:b\r\rdata:c\r\r', ['message "a\\nb"', 'message "c"']],
  ['CRLF', 'data:a\r\ndata:b\r\n\r\ndata:c\r\n\r\n', ['message "a\\nb"', 'message "c"']],
  ['line ends mixed', 'data:test\r\ndata\ndata:test\r\n\r', ['message "test\\n\\ntest"']],
  ['CR, then LF and CR', 'data:a\r\n\rdata:b\n\r\ndata:c\r\r\n', ['message "a"', 'message "b"', 'message "c"']],
  ['LF and CR are two line ends', 'data:a\n\rdata:b\r\n\n', ['message "a"', 'message "b"']],
  [
    'other line separators are text',
    'data:a\u2028b\u2029c\u0085d\u000be\u000cf\n\n',
    [`message ${JSON.stringify('a\u2028b\u2029c\u0085d\u000be\u000cf')}`],
  ],
  [
    'comments between, long ones too',
    `data:1\r:\0\n:\r\ndata:2\n:${LONG}\rdata:3\n:data:fail\r:${LONG}\ndata:4\n\n`,
    ['message "1\\n2\\n3\\n4"'],
  ],
  [
    'fields of every kind',
    'data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n',
    [`message ${JSON.stringify('\0\n 2\n1\n3\n\n4')}`],
  ],
  ['a byte order mark', '\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n', ['message "1"', 'message "3"']],
  ['two byte order marks', '\ufeff\ufeffdata:1\n\ndata:2\n\n', ['message "2"']],
  ['what looks like one is none', '\u00ef\u00bb\u00bfdata:1\n\ndata:2\n\n', ['message "2"']],
  ['a byte order mark inside', 'data:\ufeffa\n\n', [`message ${JSON.stringify('\ufeffa')}`]],
  ['UTF-8', 'data:ok…\n\ndata:😀ü\n\n', ['message "ok…"', 'message "😀ü"']],
  ['a name', 'event:test\ndata:x\n\ndata:y\n\n', ['test "x"', 'message "y"']],
  ['a name after the data', 'data:x\nevent: test\n\n', ['test "x"']],
  ['a name that is empty', 'event: \ndata:x\n\nevent\ndata:y\n\n', ['message "x"', 'message "y"']],
  ['the last of several names', 'event:a\nevent:b\ndata:x\n\n', ['b "x"']],
  ['a name that is taken back', 'event:a\nevent:\ndata:x\n\n', ['message "x"']],
  ['a name of an event without data', 'event:a\n\ndata:x\n\n', ['message "x"']],
  ['names with spaces and Unicode', 'event: a b…\ndata:x\n\n', ['a b… "x"']],
  ['an id', 'id: 1\ndata:x\n\ndata:y\n\n', ['message#1 "x"', 'message "y"']],
  ['an id after the data', 'data:x\nid:…\n\n', ['message#… "x"']],
  ['an id that is empty', 'id\ndata:x\n\nid:\ndata:y\n\n', ['message# "x"', 'message# "y"']],
  ['an id that holds NUL is none', 'id:a\0b\ndata:x\n\n', ['message "x"']],
  ['the last of several ids', 'id:1\ndata:x\nid:2\n\n', ['message#2 "x"']],
  ['retry', 'retry:3000\ndata:x\n\n', ['message "x"'], [3_000]],
  ['retry with a space', 'retry: 03000\ndata:x\n\n', ['message "x"'], [3_000]],
  ['retry alone', 'retry:10\n\n', [], [10]],
  [
    'retry that is no number',
    'retry:1000x\nretry:-1\nretry:1.5\nretry:1e3\nretry:  5\ndata:x\n\n',
    ['message "x"'],
    [],
  ],
  ['retry that is empty', 'retry\nretry:\ndata:x\n\n', ['message "x"'], []],
  ['retry in other digits', 'retry:١٢\ndata:x\n\n', ['message "x"'], []],
  ['nothing', '', []],
  ['empty lines only', '\n\n\r\r\r\n\r\n', []],
  ['a long event', `data:${LONG}\n\n`, [`message "${LONG}"`]],
]

describe('the format', () => {
  const cases = FORMAT.map(([what, text, frames, retries = []]) => ({ what, text, frames, retries }))
  test.each(cases)('[CT10] $what', ({ text, frames, retries }) => {
    const whole = bytes(text)
    const ways = [[whole], Array.from(whole, (byte) => Uint8Array.of(byte))]
    if (whole.length < 200) {
      for (let at = 1; at < whole.length; at++) ways.push([whole.subarray(0, at), whole.subarray(at)])
    }
    for (const chunks of ways) {
      const parsed = parse(chunks)
      expect(short(parsed)).toEqual(frames)
      expect(parsed.retries).toEqual(retries)
    }
  })

  test('[CT10] invalid UTF-8 becomes replacement characters, also at the end of a chunk', () => {
    const text = Uint8Array.of(...bytes('data:'), 0xff, 0x61, 0xe2, 0x82, ...bytes('b\n\n'))
    for (let at = 1; at < text.length; at++) {
      expect(short(parse([text.subarray(0, at), text.subarray(at)]))).toEqual(['message "\ufffda\ufffdb"'])
    }
  })

  test.each(['data:x\n\n', 'data:x\r\r', 'data:x\r\n\r\n', 'data:x\n\r', 'data:x\r\n\r', 'data:x\r\n\n'])(
    '[CT10] the event comes with the last byte of its empty line: %j',
    (text) => {
      const chunks = Array.from(bytes(text), (byte) => Uint8Array.of(byte))
      // The LF of a CRLF adds nothing.
      const needed = text.endsWith('\r\n') ? chunks.slice(0, -1) : chunks
      expect(short(parse(needed))).toEqual(['message "x"'])
      expect(short(parse(needed.slice(0, -1)))).toEqual([])
      expect(short(parse([...chunks, bytes('data:y\n\n')]))).toEqual(['message "x"', 'message "y"'])
    },
  )
})

type Answerer = (incoming: IncomingMessage, outgoing: ServerResponse) => void

interface Heard {
  readonly frames: RawFrame[]
  readonly requests: IncomingMessage[]
  readonly end: Promise<StreamEnd>
  close(): void
}

/** Opens a stream to a server with this answer. */
async function open(answer: Answerer): Promise<Heard> {
  const requests: IncomingMessage[] = []
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming)
    answer(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const frames: RawFrame[] = []
  let close = () => {}
  const end = new Promise<StreamEnd>((resolve) => {
    const request = { baseUrl, channels: ['topic:t'], cursor: null, names: [], credentials: undefined }
    const { close: leave } = fetchTransport(fetch).open(request, {
      frame: (frame) => frames.push(frame),
      retry: () => {},
      end: resolve,
    })
    close = leave
  })
  onTestFinished(() => close())
  return { frames, requests, end, close: () => close() }
}

const stream = (type: string) => (_: IncomingMessage, outgoing: ServerResponse) =>
  void outgoing.writeHead(200, { 'Content-Type': type }).end('data: ok…\n\n')

describe('the answer', () => {
  test.each([
    'text/event-stream',
    'text/event-stream;',
    'text/event-stream;charset=utf-8',
    'text/event-stream; charset=utf-8; x=y',
    'text/event-stream;charset=windows-1252',
    'text/event-stream ;bogus',
    'TEXT/Event-Stream',
    'Text/EVENT-STREAM; Charset=UTF-8',
  ])('[CT11] %j is a stream, in UTF-8', async (type) => {
    const { end, frames } = await open(stream(type))
    expect(await end).toEqual({ isCleanEnd: true })
    expect(frames).toEqual([{ event: 'message', data: 'ok…', id: undefined }])
  })

  test.each([
    'text/event-streamfoo',
    'text/event-stream+json',
    'text/event',
    'text/x-event-stream',
    'x bogus',
    'text/plain',
  ])('[CT11] %j is none', async (type) => {
    const { end, frames } = await open(stream(type))
    expect(await end).toEqual({ detail: expect.stringContaining(`an event stream but got ${type}`) })
    expect(frames).toEqual([])
  })

  test('[CT11] an answer without a type is not a stream', async () => {
    const { end, frames } = await open((_, outgoing) => outgoing.writeHead(200).end('data: x\n\n'))
    expect((await end).detail).toContain('an event stream but got an answer without a type')
    expect(frames).toEqual([])
  })

  test.each([204, 205, 210, 299, 304, 404, 410, 503])(
    '[CT11] an answer with status %i is not a stream',
    async (status) => {
      const { end, frames } = await open((_, outgoing) => {
        outgoing.writeHead(status, { 'Content-Type': 'text/event-stream' }).end(status === 304 ? '' : 'data: x\n\n')
      })
      expect(await end).toMatchObject({ status })
      expect(frames).toEqual([])
    },
  )

  test('[CT10] a lone CR ends an event on a stream that goes on', async () => {
    const { frames, close } = await open((_, outgoing) => {
      outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: x\r\r')
    })
    await expect.poll(() => frames.map(({ data }) => data)).toEqual(['x'])
    close()
  })

  test('[CT5] a stream that breaks off did not end cleanly', async () => {
    const { end, frames } = await open((_, outgoing) => {
      outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: x\n\n', () => outgoing.destroy())
    })
    expect((await end).isCleanEnd).toBeUndefined()
    expect(frames).toHaveLength(1)
  })

  test.each([301, 302, 303, 307, 308])('[CT8] %i is followed', async (status) => {
    const { end, frames, requests } = await open((incoming, outgoing) => {
      if (incoming.url !== '/elsewhere') outgoing.writeHead(status, { Location: '/elsewhere' }).end()
      else stream('text/event-stream')(incoming, outgoing)
    })
    expect(await end).toEqual({ isCleanEnd: true })
    expect(frames).toHaveLength(1)
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })
})

test('[CT12] the request has the headers of an EventSource', async () => {
  const { end, requests } = await open(stream('text/event-stream'))
  await end
  const { method, headers } = requests[0] as IncomingMessage
  expect(method).toBe('GET')
  expect(headers).toMatchObject({ accept: 'text/event-stream', 'cache-control': 'no-cache' })
})
