/** `--config name=value` of a topic, checked as a broker would before it is asked. */
import { failure } from '../tool/tool-exit.ts'

/** Rejects with ToolExit or KafkaError INVALID_CONFIG. */
export async function parseTopicConfigs(texts: readonly string[]): Promise<Record<string, string>> {
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
  if (configs.size === 0) return {}
  // The table of all settings is loaded only where there is something to look up.
  const { validateTopicConfig } = await import('../../config/topic-config.ts')
  validateTopicConfig(configs, { broker: new Map(), remoteStorageSystemEnable: true })
  return Object.fromEntries(configs)
}
