/** The cases of one Node program, printed as java/Cases.java prints them. */
import { isDeepStrictEqual, inspect } from 'node:util'

export async function testCase(name, body) {
  console.log(`case ${name}`)
  try {
    await body()
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(
      `FAILED ${name}: ${String(error?.stack ?? error)
        .replaceAll('\n', ' ')
        .slice(0, 900)}`,
    )
  }
}

export function done() {
  console.log('done')
  process.exit(0) // timers of a client that failed must not keep the program
}

export function equal(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`got ${inspect(actual).slice(0, 300)}, expected ${inspect(expected).slice(0, 300)}`)
  }
}

export async function until(what, probe) {
  const end = performance.now() + 80_000
  while (!(await probe())) {
    if (performance.now() > end) throw new Error(`not within 80 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
