import type { Random } from '../ports/random.ts';

/** `<client id or instance id>-<uuid>`: tools show it so and match on it. */
export function newMemberId(random: Random, prefix: string): string {
  const hex = random.uuidBytes().toString('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  );
  return `${prefix}-${uuid}`;
}
