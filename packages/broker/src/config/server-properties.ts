import { parse } from 'dot-properties';

/** Names to values, as text. */
export type Properties = Readonly<Record<string, string>>;

/**
 * @param text of a `.properties` file as Java reads it: comments, continuation lines, escapes; of a name that
 *   appears twice the last value counts
 */
export function parseProperties(text: string): Properties {
  return Object.fromEntries(Object.entries(parse(text)).map(([name, value]) => [name, String(value)]));
}

/**
 * @param overrides `name=value` each, as the command line gives them; the value may be empty and hold `=`
 * @throws Error that names the override that is not of this form
 */
export function parseOverrides(overrides: readonly string[]): Properties {
  return Object.fromEntries(overrides.map(parseOverride));
}

function parseOverride(override: string): [string, string] {
  const at = override.indexOf('=');
  const name = override.slice(0, at).trim();
  if (at < 0 || name === '') throw new Error(`Invalid override '${override}': it must be name=value`);
  return [name, override.slice(at + 1).trim()];
}
