/** Times that people write: dates as Kafka's tools take them, and ISO-8601 durations. */

/**
 * `YYYY-MM-DDThh:mm:ss[.sss]` in local time, or with `Z` or `+hh:mm` behind it. Milliseconds since 1970, or null.
 */
export function dateTimeMs(text: string): number | null {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text)
  if (parts === null) return null
  const [, date = '', time = '', zone = ''] = parts
  const full = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const ms = new Date(`${date}T${time}${full}`).getTime()
  return Number.isNaN(ms) ? null : ms
}

/** `PnDTnHnMnS`, as Java's Duration takes it. Milliseconds, or null. */
export function durationMs(text: string): number | null {
  const parts = /^([+-]?)P(?:([+-]?\d+)D)?(?:T(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+(?:\.\d{0,9})?)S)?)?$/i.exec(
    text,
  )
  if (parts === null || /(P|T)$/i.test(text)) return null
  const [, sign = '', days = '0', hours = '0', minutes = '0', seconds = '0'] = parts
  const total = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
  return Math.trunc(total * 1000) * (sign === '-' ? -1 : 1)
}
