/** How kafka-transactions.sh says what failed. */
import { clientSentence } from '../clients/admin.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside } from '../tool/tool.ts'

/** Runs `work`; what fails ends the tool with what was tried and why. */
export async function trying<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ToolExit || !isOutside(error)) throw error
    throw failure(`${what}: ${clientSentence(error)}. Enable debug logging for additional detail.`)
  }
}
