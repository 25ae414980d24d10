/** `--config name=value` of a topic, checked as a broker would before it is asked. */
import { validateTopicConfig } from '../../config/topic-config.ts'
import { failure } from '../tool/tool-exit.ts'

/** @throws ToolExit, KafkaError INVALID_CONFIG */
export function parseTopicConfigs(texts: readonly string[]): Record<string, string> {
  const configs = new Map<string, string>()
  for (const text of texts) {
    const [name = '', value, ...others] = text.split(/\s*=\s*/)
    if (value === undefined || others.length > 0 || value === '') {
      throw failure(
        'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
      )
    }
    configs.set(name.trim(), value.trim())
  }
  validateTopicConfig(configs, { broker: new Map(), remoteStorageSystemEnable: true })
  return Object.fromEntries(configs)
}
