/** Goes on with a value that is there already, or once it has come. */
export function onceKnown<Value, Result>(
  value: Value | Promise<Value>,
  use: (value: Value) => Result,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(use) : use(value);
}
