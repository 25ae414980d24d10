/** Lines of columns as Java's `%-15s` makes them: filled up with blanks, never cut. */

/** @param widths of each column; 0: as it comes. */
export function columns(widths: readonly number[], values: readonly (string | number)[]): string {
  return values.map((value, index) => String(value).padEnd(widths[index] ?? 0)).join(' ')
}

/** The longest text, but at least `least`. */
export function widest(texts: Iterable<string>, least: number): number {
  let width = least
  for (const text of texts) width = Math.max(width, text.length)
  return width
}
