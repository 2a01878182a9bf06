export type SettingValue = string | number | boolean | readonly string[] | null;

/** A rule for values beyond their type. */
export interface SettingCheck {
  /** What is allowed, for documentation: `at least 1`, `one of a, b`. */
  readonly allowed: string;
  /** @returns what is wrong with the value, as Kafka words it, or null */
  problem(value: Exclude<SettingValue, null>): string | null;
}

export function atLeast(minimum: number): SettingCheck {
  return {
    allowed: `at least ${minimum}`,
    problem: (value) => ((value as number) < minimum ? `Value must be at least ${minimum}` : null),
  };
}

export function between(minimum: number, maximum: number): SettingCheck {
  return {
    allowed: `${minimum} to ${maximum}`,
    problem: (value) => {
      if ((value as number) < minimum) return `Value must be at least ${minimum}`;
      return (value as number) > maximum ? `Value must be no more than ${maximum}` : null;
    },
  };
}

/** A range with one value outside it that has a meaning of its own. */
export function betweenOr(minimum: number, maximum: number, special: number): SettingCheck {
  return {
    allowed: `${minimum} to ${maximum}, or ${special}`,
    problem: (value) =>
      value === special || ((value as number) >= minimum && (value as number) <= maximum)
        ? null
        : `Value must be between ${minimum} and ${maximum}, or ${special}`,
  };
}

export function oneOf(...words: string[]): SettingCheck {
  return {
    allowed: `one of ${words.join(', ')}`,
    problem: (value) =>
      words.includes(value as string) ? null : `String must be one of: ${words.join(', ')}`,
  };
}

export function oneOfIgnoringCase(...words: string[]): SettingCheck {
  const upper = words.map((word) => word.toUpperCase());
  return {
    allowed: `one of ${words.join(', ')}, in any case`,
    problem: (value) =>
      upper.includes((value as string).toUpperCase())
        ? null
        : `String must be one of (case insensitive): ${words.join(', ')}`,
  };
}

/** For lists: each entry is one of the words. */
export function eachOneOf(...words: string[]): SettingCheck {
  return {
    allowed: `any of ${words.join(', ')}`,
    problem: (value) =>
      (value as readonly string[]).every((entry) => words.includes(entry))
        ? null
        : `String must be one of: ${words.join(', ')}`,
  };
}

export function notEmpty(): SettingCheck {
  return {
    allowed: 'not empty',
    problem: (value) => ((value as string | readonly string[]).length === 0 ? 'it must not be empty' : null),
  };
}

export function matching(pattern: RegExp, allowed: string): SettingCheck {
  return {
    allowed,
    problem: (value) => (pattern.test(value as string) ? null : `Value must be ${allowed}`),
  };
}
