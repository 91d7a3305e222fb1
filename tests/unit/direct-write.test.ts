import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { directHandle, type Handle, learnFrom, writeDirectly } from '../../src/sse/wire/direct-write.ts'

const BYTES = Buffer.alloc(64 * 1024, 'z')

/** Both ends of a TCP connection. The reading end reads nothing before `read`. */
async function openConnection(): Promise<{ writing: Socket; reading: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reading = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [writing] = (await once(server, 'connection')) as [Socket]
  onTestFinished(() => {
    writing.destroy()
    reading.destroy()
    server.close()
  })
  return { writing, reading }
}

/** null: this Node has no handle that can be written to directly. */
async function openHandle(socket: Socket): Promise<Handle | null> {
  learnFrom(socket)
  await new Promise((resolve) => socket.write(Buffer.alloc(0), resolve))
  return directHandle(socket)
}

async function read(socket: Socket, bytes: number): Promise<void> {
  let left = bytes
  for await (const chunk of socket) {
    left -= chunk.length
    if (left <= 0) break
  }
  expect(left).toBe(0)
}

test('[M13] a write keeps its request although the queue is empty again: the next write gets another one', async ({
  skip,
}) => {
  const connections = [await openConnection(), await openConnection()]
  const kept = new Set<object>()
  const written: number[] = []
  for (const { writing } of connections) {
    const handle = await openHandle(writing)
    // Slower: it must not come to older versions unnoticed.
    if (!handle) expect(parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(24)
    if (!handle) return skip('this Node has no handle that can be written to directly')
    // Shows an empty queue, as it is when the kernel refuses bytes and takes them before the call returns.
    const emptied: Handle = {
      writeQueueSize: 0,
      writeBuffer(request, bytes) {
        // Node would abort the process.
        expect(kept.has(request)).toBe(false)
        const error = handle.writeBuffer(request, bytes)
        if (handle.writeQueueSize > 0) kept.add(request)
        return error
      },
    }
    let bytes = 0
    for (const { size } = kept; kept.size === size; bytes += BYTES.length) writeDirectly(emptied, BYTES)
    written.push(bytes)
  }
  expect(kept.size).toBe(2)
  await Promise.all(connections.map(({ reading }, index) => read(reading, written[index] ?? 0)))
})

test('[M13] where Node writes without a request, as Node 24 does, everything goes through the socket', async () => {
  vi.resetModules()
  const { learnFrom: learnHere, directHandle: handleHere } = await import('../../src/sse/wire/direct-write.ts')
  const handle: object = Object.create({ writeQueueSize: 0, writeBuffer: () => 0, writev: () => 0 })
  const socket = { _handle: handle } as unknown as Socket
  learnHere(socket)
  // What Node does next.
  expect(Reflect.get(handle, 'writev').call(handle, null, [BYTES])).toBe(0)
  expect(handleHere(socket)).toBe(null)
  learnHere(socket)
  expect(Object.keys(handle)).toEqual([])
})
