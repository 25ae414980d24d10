/** How Java prints what JavaScript prints otherwise. */

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
