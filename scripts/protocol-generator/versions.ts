/** A range of versions, both ends inclusive. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Reads `'3'`, `'3-5'` or `'3+'`; an open range ends where `within` ends. Null when nothing of it lies within. */
export function parseRange(text: string, within: Range): Range | null {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`"${text}" is not a range of versions: write 3, 3-5 or 3+`);
  const min = Number(match[1]);
  const max = match[2] === '+' ? within.max : match[3] === undefined ? min : Number(match[3]);
  return intersect({ min, max }, within);
}

export function intersect(a: Range, b: Range): Range | null {
  const min = Math.max(a.min, b.min);
  const max = Math.min(a.max, b.max);
  return min <= max ? { min, max } : null;
}

/** The smallest range around both. */
export function span(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

export function covers(outer: Range | null, inner: Range): boolean {
  return outer !== null && outer.min <= inner.min && outer.max >= inner.max;
}

/** The condition on `version` that holds in `range`, given that it lies within `within`; null when it always does. */
export function versionCondition(range: Range, within: Range): string | null {
  const from = range.min > within.min;
  const to = range.max < within.max;
  if (from && to && range.min === range.max) return `version === ${range.min}`;
  if (from && to) return `version >= ${range.min} && version <= ${range.max}`;
  if (from) return `version >= ${range.min}`;
  if (to) return range.max === within.min ? `version === ${range.max}` : `version <= ${range.max}`;
  return null;
}
