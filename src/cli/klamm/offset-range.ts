/**
 * Places in a partition as people write them: `start`, `end`, `100`, `+5` (behind the start), `-10` (before the end), `@TIME`;
 * and ranges of two with a colon between. A range ends before its second place.
 *
 * A TIME is a duration before now (`-1h`, `-1h30m`), seconds or milliseconds since 1970, or a date (`2026-11-26`,
 * `2026-11-26T10:00`, in local time unless it ends with Z or an offset).
 */

export type Place =
  | { readonly kind: 'offset'; readonly offset: number }
  /** The first record that is not older. */
  | { readonly kind: 'time'; readonly timestampMs: number }
  /** `by` records behind it, or before it if negative. */
  | { readonly kind: 'start' | 'end'; readonly by: number }

export interface OffsetRange {
  readonly from: Place
  /** Null: goes on for ever. */
  readonly to: Place | null
}

const WORDS: Readonly<Record<string, 'start' | 'end'>> = {
  start: 'start',
  beginning: 'start',
  earliest: 'start',
  oldest: 'start',
  end: 'end',
  latest: 'end',
  newest: 'end',
}

/** Null if the text is none. */
export function rangeOf(text: string, nowMs: number): OffsetRange | null {
  const single = placeOf(text, nowMs)
  if (single !== null) return { from: single, to: null }
  // Times hold colons, too: the first colon that leaves a place on either side.
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    const [left, right] = [text.slice(0, at), text.slice(at + 1)]
    const from = left === '' ? ({ kind: 'start', by: 0 } as const) : placeOf(left, nowMs)
    // Behind a time a second one needs no sign of its own.
    const to = right === '' ? null : (secondTime(left, right, nowMs) ?? placeOf(right, nowMs))
    if (from !== null && (to !== null || right === '')) return { from, to }
  }
  return null
}

/** Whatever is in the partition: the second place is before the first. */
export function isBackwards({ from, to }: OffsetRange): boolean {
  if (to === null) return false
  if (from.kind === 'offset') return to.kind === 'offset' && to.offset < from.offset
  if (from.kind === 'time') return to.kind === 'time' && to.timestampMs < from.timestampMs
  return to.kind === from.kind && to.by < from.by
}

function secondTime(left: string, right: string, nowMs: number): Place | null {
  return left.startsWith('@') && !right.startsWith('@') ? placeOf(`@${right}`, nowMs) : null
}

/** Where a group's offset shall go; `+N` and `-N` mean something else there. */
export const instantOf = placeOf

function placeOf(text: string, nowMs: number): Place | null {
  const word = Object.hasOwn(WORDS, text.toLowerCase()) ? WORDS[text.toLowerCase()] : undefined
  if (word !== undefined) return { kind: word, by: 0 }
  if (/^\d{1,15}$/.test(text)) return { kind: 'offset', offset: Number(text) }
  if (/^\+\d{1,15}$/.test(text)) return { kind: 'start', by: Number(text) }
  if (/^-\d{1,15}$/.test(text)) return { kind: 'end', by: Number(text) }
  if (!text.startsWith('@')) return null
  const timestampMs = timeOf(text.slice(1), nowMs)
  return timestampMs === null ? null : { kind: 'time', timestampMs }
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

function timeOf(text: string, nowMs: number): number | null {
  if (/^-(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(text)) {
    let ago = 0
    for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
      ago += Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
    }
    return Math.max(0, Math.round(nowMs - ago))
  }
  // Ten digits are seconds until 2286.
  if (/^\d{1,15}$/.test(text)) return text.length <= 10 ? Number(text) * 1000 : Number(text)
  const parts = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  if (parts === null) return null
  const [, date = '', time = '00:00', zone = ''] = parts
  const ms = new Date(`${date}T${time}${zone}`).getTime()
  return Number.isNaN(ms) ? null : ms
}
