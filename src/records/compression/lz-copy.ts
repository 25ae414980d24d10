/**
 * Copies that LZ4 and Snappy share: short ones byte by byte, which in JavaScript is faster than a call into native code,
 * long ones natively. Callers have checked all bounds. Measured by bench/records.bench.ts.
 */
const NATIVE_BYTES_MIN = 64

/** `length` bytes of `from` at `fromAt` to `to` at `toAt`, which do not overlap. */
export function copyLiteral(from: Buffer, fromAt: number, to: Buffer, toAt: number, length: number): void {
  if (length >= NATIVE_BYTES_MIN) from.copy(to, toAt, fromAt, fromAt + length)
  else for (const end = fromAt + length; fromAt < end;) to[toAt++] = from[fromAt++]!
}

/** Repeats what stands `distance` bytes before `at`; with a distance below the length the copy feeds on itself. */
export function copyMatch(bytes: Buffer, at: number, distance: number, length: number): void {
  if (length < NATIVE_BYTES_MIN) {
    for (let end = at + length, from = at - distance; at < end;) bytes[at++] = bytes[from++]!
    return
  }
  if (distance === 1) {
    bytes.fill(bytes[at - 1]!, at, at + length)
    return
  }
  // The copied part doubles until the rest fits in one step.
  const from = at - distance
  let done = 0
  while (done < length) {
    const step = Math.min(distance + done, length - done)
    bytes.copyWithin(at + done, from, from + step)
    done += step
  }
}
