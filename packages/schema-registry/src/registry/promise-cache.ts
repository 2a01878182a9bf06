/**
 * What was asked for, by key: who asks while the first question is under way shares its answer. Failures are not kept.
 * Bounded: what was not asked for the longest time goes first.
 */
export class PromiseCache<Key, Value> {
  private readonly promises = new Map<Key, Promise<Value>>();
  private readonly entriesMax: number;

  /** @param entriesMax 1 or more */
  constructor(entriesMax: number) {
    this.entriesMax = entriesMax;
  }

  get(key: Key, bring: () => Promise<Value>): Promise<Value> {
    const known = this.promises.get(key);
    if (known !== undefined) this.promises.delete(key);
    const promise = known ?? this.bringing(key, bring);
    this.promises.set(key, promise);
    if (this.promises.size > this.entriesMax) this.promises.delete(this.promises.keys().next().value!);
    return promise;
  }

  private bringing(key: Key, bring: () => Promise<Value>): Promise<Value> {
    const promise = bring();
    promise.catch(() => {
      if (this.promises.get(key) === promise) this.promises.delete(key);
    });
    return promise;
  }
}
