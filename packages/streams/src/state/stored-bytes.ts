/** A blob of SQLite, which is the caller's own, as a Buffer. */
export function viewOf(blob: unknown): Buffer {
  if (!(blob instanceof Uint8Array)) throw new TypeError('the store holds something else than bytes');
  return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
}
