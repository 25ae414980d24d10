/** What simulators ask and tell: `--seed=N --seeds=K` and more by name, and in how many seeds what must happen did. */

/** What a simulator may be asked. A name that is not in `known` ends the process with a sentence. */
export function seedOptions(known: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map(
    process.argv.slice(2).map((argument) => {
      const [key = '', value = 'true'] = argument.replace(/^--/, '').split('=')
      return [key, value] as const
    }),
  )
  for (const key of options.keys()) {
    if (known.includes(key)) continue
    console.error(`--${key} is not known; there are: --${known.join(', --')}`)
    process.exit(2)
  }
  return options
}

/** A run of so many seeds shows what happens too seldom, and one of so many what never happens. */
const SEEDS_THAT_TELL = 50
const SEEDS_THAT_TELL_ALL = 200

/**
 * How often what must happen did, with `floors` in percent of the seeds; 0: seldom, but sometimes. Returns a sentence when something happened in too few
 * of them: what the simulation no longer reaches it no longer tests.
 */
export function judgeShares(
  floors: Readonly<Record<string, number>>,
  seenIn: ReadonlyMap<string, number>,
  runs: number,
): string | null {
  if (runs < 2) return null
  const tooSeldom: string[] = []
  for (const [counter, floor] of Object.entries(floors)) {
    const share = ((seenIn.get(counter) ?? 0) / runs) * 100
    const isLow = share < floor || (share === 0 && runs >= SEEDS_THAT_TELL_ALL)
    if (isLow) tooSeldom.push(counter)
    console.log(`${share.toFixed(1).padStart(6)} %  ${counter}${isLow ? `   (below ${floor} %)` : ''}`)
  }
  if (runs < SEEDS_THAT_TELL || tooSeldom.length === 0) return null
  return `in ${runs} seeds these happened too seldom: ${tooSeldom.join(', ')}`
}
