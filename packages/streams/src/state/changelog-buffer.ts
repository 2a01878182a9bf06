/** What changed in a store since the last commit: of each key only the last value. */
export class ChangelogBuffer {
  private readonly changes = new Map<string, { readonly key: Buffer; readonly value: Buffer | null }>();
  sizeBytes = 0;

  /** @param key a copy is kept @param value likewise; null when the key is gone */
  note(key: Buffer, value: Buffer | null): void {
    const name = key.toString('latin1');
    const before = this.changes.get(name);
    if (before !== undefined) this.sizeBytes -= sizeOf(before);
    const change = { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) };
    this.changes.set(name, change);
    this.sizeBytes += sizeOf(change);
  }

  *take(): Generator<{ readonly key: Buffer; readonly value: Buffer | null }, void, undefined> {
    yield* this.changes.values();
    this.clear();
  }

  clear(): void {
    this.changes.clear();
    this.sizeBytes = 0;
  }
}

function sizeOf({ key, value }: { readonly key: Buffer; readonly value: Buffer | null }): number {
  return key.length + (value?.length ?? 0);
}
