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
): () => void {
  const original = target[name];
  target[name] = replacement(original);
  return () => {
    target[name] = original;
  };
}
