/**
 * The properties that a node starts with: a file and the `--override`s over it, or, without a file, what `npm start`
 * runs: one node with both roles on 127.0.0.1:9092 that keeps its data in ./data.
 */
import { OperationalError } from '../../base/errors.ts'
import { parseOverride, parseProperties } from '../../config/properties.ts'
import { errorCode } from '../../world/node/disk-errors.ts'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** @throws OperationalError CONFIG_INVALID */
export function readPropertiesFile(path: string): Map<string, string> {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const what = errorCode(error) === 'ENOENT' ? 'no such file' : `cannot be read (${errorCode(error)})`
    throw new OperationalError('CONFIG_INVALID', `${path}: ${what}`)
  }
  try {
    return parseProperties(bytes)
  } catch (error) {
    if (error instanceof SyntaxError) throw new OperationalError('CONFIG_INVALID', `${path}: ${error.message}`)
    throw error
  }
}

/** Internal topics with one replica: there is one broker. */
export function defaultProperties(): Map<string, string> {
  return new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['listeners', 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093'],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.bootstrap.servers', '127.0.0.1:9093'],
    ['log.dirs', resolve('data')],
    ['offsets.topic.replication.factor', '1'],
  ])
}

/** @throws OperationalError CONFIG_INVALID */
export function withOverrides(properties: Map<string, string>, overrides: readonly string[]): Map<string, string> {
  const merged = new Map(properties)
  for (const text of overrides) {
    const override = parseOverride(text)
    if (!override) throw new OperationalError('CONFIG_INVALID', `--override ${text}: key=value is expected`)
    merged.set(override[0], override[1])
  }
  return merged
}
