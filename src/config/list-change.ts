/**
 * IncrementalAlterConfigs adds to lists and takes from them as text: what was stored keeps its form (blanks, repeated
 * elements), which only the reading of the value takes out.
 */

/** Elements of `value` that are not there yet, each behind the others. */
export function appendToList(before: string, value: string): string {
  const parts = presentParts(before)
  for (const part of splitParts(value)) if (!parts.includes(part)) parts.push(part)
  return parts.join(',')
}

/** Takes the first of each element of `value`. */
export function subtractFromList(before: string, value: string): string {
  const parts = presentParts(before)
  for (const part of splitParts(value)) {
    const at = parts.indexOf(part)
    if (at >= 0) parts.splice(at, 1)
  }
  return parts.join(',')
}

const presentParts = (text: string): string[] => splitParts(text).filter((part) => part !== '')

/** As Java splits: nothing behind the last comma is no element, but text without a comma is one, even if it is empty. */
function splitParts(text: string): string[] {
  const parts = text.split(',')
  if (parts.length > 1) while (parts.at(-1) === '') parts.pop()
  return parts
}
