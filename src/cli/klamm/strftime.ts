/** Times by strftime's letters, in UTC. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const DAY_MS = 86_400_000

/** What it does not know stays as it is. @param ms since 1970 */
export function strftime(pattern: string, ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const letter = (one: string): string => {
    switch (one) {
      case 'Y':
        return String(date.getUTCFullYear())
      case 'y':
        return two(date.getUTCFullYear() % 100)
      case 'm':
        return two(date.getUTCMonth() + 1)
      case 'd':
        return two(date.getUTCDate())
      case 'e':
        return String(date.getUTCDate()).padStart(2)
      case 'H':
        return two(date.getUTCHours())
      case 'I':
        return two(date.getUTCHours() % 12 || 12)
      case 'p':
        return date.getUTCHours() < 12 ? 'AM' : 'PM'
      case 'M':
        return two(date.getUTCMinutes())
      case 'S':
        return two(date.getUTCSeconds())
      case 'L':
        return String(date.getUTCMilliseconds()).padStart(3, '0')
      case 'f':
        return String(date.getUTCMilliseconds() * 1000).padStart(6, '0')
      case 's':
        return String(Math.floor(ms / 1000))
      case 'j':
        return String(Math.floor((ms - Date.UTC(date.getUTCFullYear(), 0)) / DAY_MS) + 1).padStart(3, '0')
      case 'A':
        return DAYS[date.getUTCDay()] ?? ''
      case 'a':
        return (DAYS[date.getUTCDay()] ?? '').slice(0, 3)
      case 'B':
        return MONTHS[date.getUTCMonth()] ?? ''
      case 'b':
        return (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3)
      case 'z':
        return '+0000'
      case 'Z':
        return 'UTC'
      case 'F':
        return strftime('%Y-%m-%d', ms)
      case 'T':
        return strftime('%H:%M:%S', ms)
      case 'R':
        return strftime('%H:%M', ms)
      case 'D':
        return strftime('%m/%d/%y', ms)
      case 'n':
        return '\n'
      case 't':
        return '\t'
      case '%':
        return '%'
      default:
        return `%${one}`
    }
  }
  return pattern.replaceAll(/%(.)/gs, (_, one: string) => letter(one))
}
