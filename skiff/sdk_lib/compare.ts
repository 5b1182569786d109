/** Order of texts by UTF-16 code unit: the same on every machine, whatever its locale. For Array.sort. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
