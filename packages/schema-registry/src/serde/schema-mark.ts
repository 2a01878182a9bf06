import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import type { SerdePlace } from '@odradek/client';

const ID_FOLLOWS = 0;
const GUID_FOLLOWS = 1;
const ID_SIZE_BYTES = 4;
const GUID_SIZE_BYTES = 16;
const ID_MAX = 2 ** 31 - 1;
/** Written by newer clients instead of a mark before the payload. */
const HEADERS = { key: '__key_schema_id', value: '__value_schema_id' } as const;

/** What was read of a record's key or value: which schema it was written by, and the rest. */
export interface Marked {
  /** A number, or a GUID in its usual form. */
  readonly schemaId: number | string;
  /** What follows the mark. */
  readonly rest: Buffer;
  /** The payload, where the mark stood in a header and not before it; then `rest` is what follows it there. */
  readonly apart: Buffer | null;
}

/** The mark that goes before what is written: a zero, and the id. @param id 0 to 2^31 - 1 */
export function markOf(id: number): Buffer {
  if (!Number.isInteger(id) || id < 0 || id > ID_MAX) throw new RangeError(`${id} is no id of a schema`);
  const mark = Buffer.alloc(1 + ID_SIZE_BYTES);
  mark.writeInt32BE(id, 1);
  return mark;
}

/** @throws RangeError when there is no mark */
export function readMark(bytes: Buffer, part: SerdePlace['part'], headers: readonly RecordHeader[]): Marked {
  const header = headers.findLast(({ key, value }) => key === HEADERS[part] && value !== null);
  const marked = header?.value ?? bytes;
  const { schemaId, sizeBytes } = idIn(marked);
  const apart = header === undefined ? null : bytes;
  return { schemaId, rest: marked.subarray(sizeBytes), apart };
}

function idIn(marked: Buffer): { schemaId: number | string; sizeBytes: number } {
  const [kind] = marked;
  if (kind === ID_FOLLOWS && marked.length > ID_SIZE_BYTES) {
    const schemaId = marked.readInt32BE(1);
    if (schemaId >= 0) return { schemaId, sizeBytes: 1 + ID_SIZE_BYTES };
  }
  if (kind === GUID_FOLLOWS && marked.length > GUID_SIZE_BYTES) {
    const sizeBytes = 1 + GUID_SIZE_BYTES;
    return { schemaId: guid(marked.subarray(1, sizeBytes)), sizeBytes };
  }
  throw new RangeError('it does not begin with the id of a schema');
}

function guid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
