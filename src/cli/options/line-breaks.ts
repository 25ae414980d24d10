/**
 * Where a line of help may be broken, as Java's line iterator finds it; both parsers of Kafka's tools wrap with it.
 *
 * Between words (the blanks stay with the word before), after a hyphen, after punctuation that a letter follows, before an
 * opening bracket. Java knows more rules, for other scripts and mixed punctuation; help in English meets these.
 */

const OPENING = /[([{<]/
const CLOSING = /[)\]}]/
const WORD = /[\p{L}\p{N}*\\]/u

/** The pieces that stay together; joined they are the text. */
export function linePieces(text: string): readonly string[] {
  const pieces: string[] = []
  let start = 0
  for (let at = 1; at < text.length; at++) {
    if (!breaksBefore(text, at)) continue
    pieces.push(text.slice(start, at))
    start = at
  }
  if (start < text.length) pieces.push(text.slice(start))
  return pieces
}

function breaksBefore(text: string, at: number): boolean {
  const before = text[at - 1] ?? ''
  const next = text[at] ?? ''
  if (/\s/.test(next)) return false
  if (/\s/.test(before)) return true
  if (before === '-') {
    const startsWord = at === 1 || /[\s-]/.test(text[at - 2] ?? '')
    return next !== '-' && !(startsWord && /\d/.test(next))
  }
  if (/[:,.;!?]/.test(before)) return WORD.test(next) && !(/\d/.test(next) && /\d/.test(text[at - 2] ?? ''))
  if (OPENING.test(next)) return WORD.test(before) || CLOSING.test(before) || before === '='
  return CLOSING.test(before) && WORD.test(next)
}
