/**
 * Which of the known words a mistyped one may stand for: those nearest by edits, if they are near enough. The weights are
 * those of argparse4j (and git): a letter too many costs most, two that changed places nothing.
 */

const SUBSTITUTE = 2
const ADD = 1
const DELETE = 4
/** From here on nothing is suggested. */
export const TOO_FAR = 7

/** Nearest ones in the order of their names; none if all are `tooFar` away. */
export function likelyMeant(word: string, known: readonly string[], tooFar = TOO_FAR): readonly string[] {
  const distances = known.map((one) => ({ one, distance: one.startsWith(word) ? 0 : distance(word, one) }))
  const least = Math.min(...distances.map((each) => each.distance))
  if (least >= tooFar) return []
  return distances
    .filter((each) => each.distance === least)
    .map((each) => each.one)
    .sort()
}

function distance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index * ADD)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let least = (last[column - 1] ?? 0) + (same ? 0 : SUBSTITUTE)
      const swapped = row > 1 && column > 1 && from[row - 2] === to[column - 1] && from[row - 1] === to[column - 2]
      if (!same && swapped) least = Math.min(least, before[column - 2] ?? least)
      current.push(Math.min(least, (last[column] ?? 0) + DELETE, (current[column - 1] ?? 0) + ADD))
    }
    before = last
    last = current
  }
  return last[to.length] ?? 0
}
