/** What an admin's methods are given, looked at before anybody is asked. All throw KafkaJSNonRetriableError. */
import { KafkaJSNonRetriableError } from './errors.ts'

export function checkList<T>(name: string, list: T[], least = 0): T[] {
  if (Array.isArray(list) && list.length >= least) return list
  throw new KafkaJSNonRetriableError(`${name} must be an array${least > 0 ? ' that is not empty' : ''}.`)
}

export function checkName(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw new KafkaJSNonRetriableError(`Invalid topic: ${String(topic)}`)
}

export function checkNames(names: readonly unknown[]): void {
  for (const name of names) checkName(name)
  if (new Set(names).size < names.length) throw new KafkaJSNonRetriableError('A topic is named twice.')
}

export function checkGroup(groupId: unknown): void {
  if (typeof groupId === 'string' && groupId !== '') return
  throw new KafkaJSNonRetriableError(`Invalid groupId: ${String(groupId)}`)
}
