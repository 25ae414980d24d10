/** What the name of a segment's file says. */
import { basename, isAbsolute } from 'node:path'
import { OperationalError } from '../../base/errors.ts'
import { isLong } from '../options/parse-options.ts'

/** @throws OperationalError CONFIG_INVALID if the name does not begin with an offset. */
export function startOffsetOf(path: string): number {
  const text = basename(path).split('.')[0] ?? ''
  if (!isLong(text)) throw new OperationalError('CONFIG_INVALID', `For input string: "${text}"`)
  return Number(text)
}

/** As Java makes a path absolute: what was given stays as it is written. */
export function absolute(path: string): string {
  return isAbsolute(path) ? path : `${process.cwd()}/${path}`
}

/** The file of the same segment with another suffix. */
export function besideIt(path: string, suffix: string): string {
  const full = absolute(path)
  return `${full.slice(0, full.lastIndexOf('/') + 1)}${basename(path).split('.')[0]}${suffix}`
}
