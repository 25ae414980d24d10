/** Where log lines go. The writer adds time, level and thread; simulations keep them as an event log. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}

/** Drops everything: for tests that do not look at log lines. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }
