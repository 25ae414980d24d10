/** Node's file errors as `DiskError`s. */
import { DiskError, type DiskErrorCode } from '../world.ts'

const CODES: ReadonlyMap<string, DiskErrorCode> = new Map<string, DiskErrorCode>([
  ['EIO', 'EIO'],
  ['ENOSPC', 'ENOSPC'],
  ['EDQUOT', 'ENOSPC'],
  ['EFBIG', 'ENOSPC'],
  ['ENOENT', 'ENOENT'],
  ['EEXIST', 'EEXIST'],
  ['EACCES', 'EACCES'],
  ['EPERM', 'EACCES'],
  ['EROFS', 'EROFS'],
  ['EMFILE', 'EMFILE'],
  ['ENFILE', 'EMFILE'],
  ['ENOTDIR', 'ENOTDIR'],
  ['ENOTEMPTY', 'ENOTEMPTY'],
])

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function toDiskError(path: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new DiskError(CODES.get(errorCode(error)) ?? 'EUNKNOWN', path, detail, { cause: error })
}
