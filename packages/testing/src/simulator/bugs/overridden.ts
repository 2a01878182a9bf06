/** Puts back what was replaced. */
export type Switch = () => void;

/**
 * Replaces a method of a class for all its objects.
 *
 * @param replacement gets the method as it was
 * @returns puts it back
 */
export function overridden<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  replacement: (original: Target[Name]) => Target[Name],
): Switch {
  const original = target[name];
  target[name] = replacement(original);
  return () => {
    target[name] = original;
  };
}

/** Several methods that were replaced. @returns puts all of them back */
export function allOverridden(...switches: readonly Switch[]): Switch {
  return () => {
    for (const putBack of switches.toReversed()) putBack();
  };
}
