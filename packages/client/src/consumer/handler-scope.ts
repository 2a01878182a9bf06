import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<true>();

/** Calls something of the application's, so that what it does in turn can be told from other calls. */
export function callApplication<Args extends readonly unknown[], Result>(
  call: (...args: Args) => Result,
  ...args: Args
): Result {
  return scope.run(true, () => call(...args));
}

/** Whether the caller runs within something of the application's that the consumer waits for. */
export function isInsideApplication(): boolean {
  return scope.getStore() === true;
}
