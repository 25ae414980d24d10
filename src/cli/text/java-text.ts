/** How Java prints what JavaScript prints otherwise. */

/** Double.toString: `1.0`, `0.5`, `1.0E7`, `1.0E-4`. */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

/**
 * `new String(bytes, UTF_8)`. What is no UTF-8 becomes U+FFFD as in JavaScript, but for halves of surrogate pairs: Java
 * replaces three bytes of one by one sign.
 */
export function javaText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\uFFFD')) return text
  let result = ''
  let from = 0
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    const second = bytes[at + 1] ?? 0
    if (second < 0xa0 || second > 0xbf) continue
    const third = bytes[at + 2] ?? 0
    result += `${bytes.toString('utf8', from, at)}\uFFFD`
    from = at + (third >= 0x80 && third <= 0xbf ? 3 : 2)
    at = from - 1
  }
  return result + bytes.toString('utf8', from)
}
