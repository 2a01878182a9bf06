import { ClientError } from './errors.ts';

/** The names of all options of a type. The compiler sees to it that none is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/** The longest name that is looked at for likeness, characters. */
const COMPARED_LENGTH_MAX = 60;

/**
 * Refuses names that are no options: a setting with a slip in its name would silently have no effect.
 *
 * @param owner what the options are for, as the error names it
 * @throws ClientError BAD_OPTION, with the name that was probably meant
 */
export function refuseUnknown(owner: string, given: object, known: Readonly<Record<string, true>>): void {
  const names = Object.keys(known);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue;
    const nearest = nearestName(name, names);
    const hint = nearest === null ? `there are ${names.toSorted().join(', ')}` : `did you mean "${nearest}"?`;
    throw badOption(`${owner} has no option "${name}": ${hint}`);
  }
}

/** The names without those that somebody else decides. */
export function namesWithout<Name extends string, Left extends Name>(
  names: Readonly<Record<Name, true>>,
  left: readonly Left[],
): Readonly<Record<Exclude<Name, Left>, true>> {
  const rest = Object.entries(names).filter(([name]) => !(left as readonly string[]).includes(name));
  return Object.fromEntries(rest) as Record<Exclude<Name, Left>, true>;
}

/** The options of a part, out of those of a whole that has more. */
export function pickOptions<Options extends object, Name extends keyof Options>(
  given: Options,
  names: Readonly<Record<Name, true>>,
): Pick<Options, Name> {
  const wanted = Object.entries(given).filter(([name]) => Object.hasOwn(names, name));
  return Object.fromEntries(wanted) as Pick<Options, Name>;
}

/** @throws ClientError BAD_OPTION unless it is a whole number from `min` to `max` */
export function wholeNumber(name: string, value: number, min: number, max = Infinity): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const upTo = max === Infinity ? 'on' : `to ${max}`;
  throw badOption(`${name} is ${shown(value)}, allowed are whole numbers from ${min} ${upTo}`);
}

/** @throws ClientError BAD_OPTION unless it is one of `allowed` */
export function oneOf<Value>(name: string, value: Value, allowed: readonly Value[]): Value {
  if (allowed.includes(value)) return value;
  throw badOption(`${name} is ${shown(value)}, allowed are ${allowed.join(', ')}`);
}

export function badOption(message: string): ClientError {
  return new ClientError('BAD_OPTION', message);
}

/** Also for what only plain JavaScript can pass. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

/** The name that is likely meant, null when none is near. Takes names as Java writes them (`linger.ms`) for ours. */
export function nearestName(given: string, names: readonly string[]): string | null {
  if (given.length > COMPARED_LENGTH_MAX) return null;
  const plain = plainName(given);
  let nearest: string | null = null;
  let least = Math.max(2, Math.floor(plain.length / 3)) + 1;
  for (const name of names) {
    const other = plainName(name);
    const distance = other.startsWith(plain) && plain.length > 3 ? 1 : editDistance(plain, other);
    if (distance >= least) continue;
    nearest = name;
    least = distance;
  }
  return nearest;
}

function plainName(name: string): string {
  return name.replaceAll(/[^a-z0-9]/gi, '').toLowerCase();
}

/** How many characters have to be put in, taken out or changed (Levenshtein). */
function editDistance(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const changed = before[j]! + (from[i] === to[j] ? 0 : 1);
      row.push(Math.min(changed, before[j + 1]! + 1, row[j]! + 1));
    }
    before = row;
  }
  return before[to.length]!;
}
