import { usageError } from './terminal.ts';

/** A whole number within bounds, both inclusive. @throws CommandError naming option, value and bounds */
export function wholeNumber(
  option: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const upTo = max === Number.MAX_SAFE_INTEGER ? ' or more' : ` to ${max}`;
  const allowed = min === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number, ${min}${upTo}`;
  throw usageError(`${option} is "${text}"; expected is ${allowed}`);
}

/** Collects the values of an option that may be repeated. */
export function collect<Value>(
  parse: (text: string) => Value,
): (text: string, previous: readonly Value[] | undefined) => readonly Value[] {
  return (text, previous = []) => [...previous, parse(text)];
}

/** @throws CommandError when there is no `=` */
export function nameAndValue(option: string, text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw usageError(`${option} "${text}" has no value; expected is name=value`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/**
 * Milliseconds since 1970 out of a date and time in ISO 8601; without a zone it is local time.
 *
 * @throws CommandError
 */
export function pointInTime(option: string, text: string): number {
  const looksRight = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  const timeMs = looksRight ? Date.parse(text) : NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw usageError(`${option} is "${text}"; expected is a time such as 2026-01-31T12:00:00Z`);
}

/** `\t`, `\n`, `\0` and `\\` as they are usually typed into a shell. */
export function unescaped(text: string): string {
  const meanings: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', 0: '\0', '\\': '\\' };
  return text.replaceAll(/\\([tnr0\\])/g, (_, letter: string) => meanings[letter]!);
}
