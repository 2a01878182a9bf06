import type { Random } from '../ports/random.ts';

/** Longer texts cannot be told, in bytes: the others of the group would never get an answer that names it. */
const ID_SIZE_MAX = 0x7fff;

/** `<client id or instance id>-<uuid>`: tools show it so and match on it. */
export function newMemberId(random: Random, prefix: string): string {
  const hex = random.uuidBytes().toString('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  );
  return `${prefix}-${uuid}`;
}

/** Whether the protocol has room for the id: it has none where a client's own id is about as long as it may be. */
export function isWritableId(memberId: string): boolean {
  return Buffer.byteLength(memberId) <= ID_SIZE_MAX;
}
