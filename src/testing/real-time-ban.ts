/**
 * While a simulation runs, the global doors to real time and chance throw: what went through one would differ between two
 * runs of a seed.
 */
const FORBIDDEN = [
  { home: Date, name: 'now' },
  { home: Math, name: 'random' },
  { home: globalThis, name: 'setTimeout' },
  { home: globalThis, name: 'setInterval' },
] as const

let running = 0
let originals: unknown[] = []

/** Answers the end of the ban; bans nest. */
export function forbidRealTime(): () => void {
  running += 1
  if (running === 1) {
    originals = FORBIDDEN.map(({ home, name }) => Reflect.get(home, name))
    for (const { home, name } of FORBIDDEN) {
      Reflect.set(home, name, () => {
        throw new Error(`${name} was called in a simulation: take clock and random from the World`)
      })
    }
  }
  let lifted = false
  return () => {
    if (lifted) return
    lifted = true
    running -= 1
    if (running === 0) FORBIDDEN.forEach(({ home, name }, index) => Reflect.set(home, name, originals[index]))
  }
}
