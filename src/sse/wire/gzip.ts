/**
 * Shared compression. Each flush is compressed once, without history, into deflate blocks that end on a byte boundary.
 * Such blocks mean the same on every connection, so all of them get the same bytes. Only the header before the first block
 * and the trailer belong to a connection; the checksum of the trailer is combined from those of the flushes.
 *
 * Every flush ends with an empty stored block, as zlib's Z_SYNC_FLUSH writes it. Go's inflate passes nothing on before it
 * has read one, or a full window, so a stored flush without it would be delayed until the next.
 *
 *   10-byte header | block of flush 1 | block of flush 2 | ... | final empty block, CRC-32, length     (RFC 1952)
 */
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { combineCrc32 } from './crc32.ts'

export interface Plain {
  readonly crc: number
  readonly length: number
}

export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
export const GZIP_NOTHING: Plain = { crc: 0, length: 0 }

/** Below this, compression is not worth the time. */
const WORTHWHILE_BYTES = 256
const MAX_STORED_BYTES = 65_535

export function gzipBlock(bytes: Buffer): { block: Buffer; plain: Plain } {
  const plain = { crc: crc32(bytes), length: bytes.length }
  if (bytes.length < WORTHWHILE_BYTES) return { block: stored(bytes), plain }
  return { block: deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }), plain }
}

/** The checksum and length of what was sent before followed by `next`. */
export function gzipAppend(before: Plain, next: Plain): Plain {
  return { crc: combineCrc32(before.crc, next.crc, next.length), length: before.length + next.length }
}

/** Ends a gzip stream whose content was `sent`. */
export function gzipTrailer(sent: Plain): Buffer {
  const trailer = Buffer.alloc(10)
  trailer[0] = 0x03
  trailer.writeUInt32LE(sent.crc, 2)
  trailer.writeUInt32LE(sent.length % 2 ** 32, 6)
  return trailer
}

/** An uncompressed deflate block (RFC 1951, 3.2.4), and an empty one. */
function stored(bytes: Buffer): Buffer {
  if (bytes.length > MAX_STORED_BYTES) throw new RangeError(`a stored block holds at most ${MAX_STORED_BYTES} bytes`)
  const head = Buffer.alloc(5)
  head.writeUInt16LE(bytes.length, 1)
  head.writeUInt16LE(~bytes.length & 0xffff, 3)
  return Buffer.concat([head, bytes, SYNC])
}

const SYNC = Buffer.from([0, 0, 0, 0xff, 0xff])
