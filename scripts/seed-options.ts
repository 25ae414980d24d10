/** The command line of a simulator: `--seed=N --seeds=K`, and more by name. */

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

/** How often what should happen sometimes did. */
export function printShares(counters: readonly string[], seenIn: ReadonlyMap<string, number>, runs: number): void {
  for (const counter of counters) {
    const share = ((seenIn.get(counter) ?? 0) / runs) * 100
    console.log(`${share.toFixed(1).padStart(6)} %  ${counter}${share < 1 ? '   (rare)' : ''}`)
  }
}
