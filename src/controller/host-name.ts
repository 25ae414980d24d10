/** What an address or a host may be called, by its form alone: no name server is asked. */

const NAME = /^[\w-]+(\.[\w-]+)*\.?$/
const ZONE = /%[\w.-]+$/

/** An address of IPv4 (also with fewer than four parts, as `127.1`) or IPv6 (also in brackets), or a name that a host can have. */
export function isHost(text: string): boolean {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (bare.includes(':')) return URL.canParse(`http://[${bare.replace(ZONE, '')}]`)
  // What ends in a number is an address to a URL, and nothing else.
  return bare === text && NAME.test(text) && URL.canParse(`http://${text}`)
}
