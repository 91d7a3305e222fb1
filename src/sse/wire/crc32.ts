/**
 * The CRC-32 of a concatenation, from the CRC-32 of each part. Appending n bytes multiplies the first checksum by
 * x^8n modulo the polynomial; in the reflected bit order used here the highest bit is x^0.
 */
const POLYNOMIAL = 0xedb88320

export function combineCrc32(first: number, second: number, secondLength: number): number {
  return (multiply(shiftFor(secondLength), first) ^ second) >>> 0
}

/** x^8n. All connections of an audience append the same length in a flush, so the last result is kept. */
let lastLength = 0
let lastShift = 0x80000000
function shiftFor(bytes: number): number {
  if (bytes === lastLength) return lastShift
  let shift = 0x80000000
  let square = 0x00800000
  for (let n = bytes; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) shift = multiply(square, shift)
    square = multiply(square, square)
  }
  lastLength = bytes
  lastShift = shift
  return shift
}

function multiply(a: number, b: number): number {
  let product = 0
  let term = b
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= term
    term = term & 1 ? (term >>> 1) ^ POLYNOMIAL : term >>> 1
  }
  return product >>> 0
}
