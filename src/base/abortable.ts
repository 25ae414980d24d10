/** `work`, unless `signal` aborts first: then its reason, and what becomes of the work is nobody's business. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let aborted: (() => void) | null = null
  const abort = new Promise<never>((_, reject) => {
    aborted = () => reject(signal.reason as Error)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  })
  try {
    return await Promise.race([work, abort])
  } finally {
    signal.removeEventListener('abort', aborted!)
    work.catch(() => {})
    abort.catch(() => {})
  }
}
