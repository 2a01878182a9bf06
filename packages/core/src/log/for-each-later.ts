/**
 * Does something for each item that takes its time, so many at once, and never deeper in the stack for more of them.
 *
 * @param act begins with one item and calls back once: at once or later
 * @param done called once all are through
 */
export function forEachLater<T>(
  items: Iterable<T>,
  concurrencyMax: number,
  act: (item: T, next: () => void) => void,
  done: () => void,
): void {
  const iterator = items[Symbol.iterator]();
  let running = concurrencyMax;
  const goOn = (): void => {
    for (;;) {
      const turn = iterator.next();
      if (turn.done === true) {
        if (--running === 0) done();
        return;
      }
      let isAtOnce = true;
      let isThrough = false;
      act(turn.value, () => {
        isThrough = true;
        if (!isAtOnce) goOn();
      });
      isAtOnce = false;
      if (!isThrough) return;
    }
  };
  for (let i = 0; i < concurrencyMax; i++) goOn();
}
