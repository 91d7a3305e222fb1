/**
 * Frames as a server sends them (RFC 6455, 5.2): final, unmasked, without extensions. The messages of one flush become one
 * buffer, which every socket of an audience gets in one write.
 */
const FIN_TEXT = 0x81
const FIN_PING = 0x89
const FIN_PONG = 0x8a
/** Lengths up to here are in the second byte. 126 and 127 there mean that the length follows in two or eight bytes. */
const MAX_SHORT = 125

/** One text message for each text. */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headLength(length) + length, 0))
  let at = 0
  for (const [index, text] of texts.entries()) {
    const length = lengths[index] ?? 0
    at = writeHead(frames, at, FIN_TEXT, length)
    at += frames.write(text, at, length, 'utf8')
  }
  return frames
}

export const PING = Buffer.from([FIN_PING, 0])

/** `payload` is that of the ping: at most 125 bytes. */
export function pongFrame(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([FIN_PONG, payload.length]), payload])
}

function headLength(length: number): number {
  return length <= MAX_SHORT ? 2 : length <= 0xffff ? 4 : 10
}

function writeHead(frames: Buffer, at: number, opcode: number, length: number): number {
  frames[at] = opcode
  if (length <= MAX_SHORT) {
    frames[at + 1] = length
    return at + 2
  }
  if (length <= 0xffff) {
    frames[at + 1] = 126
    return frames.writeUInt16BE(length, at + 2)
  }
  frames[at + 1] = 127
  frames.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2)
  return frames.writeUInt32BE(length >>> 0, at + 6)
}
