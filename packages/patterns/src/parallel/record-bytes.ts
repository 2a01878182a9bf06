import type { ConsumedRecord } from '@odradek/client';

/** What a record costs in memory beside its key, value and headers, about. */
const RECORD_OVERHEAD_BYTES = 200;

export function recordBytes({ key, value, headers }: ConsumedRecord): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += header.key.length + (header.value?.length ?? 0);
  return size;
}

/**
 * A copy that holds on to nothing else: the bytes of a record are a view on the whole answer that it came in, and one
 * record that waits for hours would keep all of it.
 */
export function detached(record: ConsumedRecord): ConsumedRecord {
  const { key, value, headers } = record;
  return {
    ...record,
    key: copied(key),
    value: copied(value),
    headers:
      headers.length === 0
        ? headers
        : headers.map(({ key: name, value: bytes }) => ({ key: name, value: copied(bytes) })),
  };
}

function copied(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
