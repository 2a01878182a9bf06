// Two members of a group across kill -9 of the broker, for the drivers written in TypeScript.
import { check, cycleBroker, waitUntil } from './driver.ts';
import type { ForkedMember } from './forked-member.ts';

/** What differs from client to client. */
export interface GroupKillParts {
  /** Two members of one group on a topic of two partitions, who commit each message. */
  readonly members: readonly [ForkedMember, ForkedMember];
  /** Sends until it is acknowledged. */
  send(value: string, partition: number): Promise<unknown>;
  /** What the broker says is committed, by partition. */
  committed(): Promise<ReadonlyMap<number, number>>;
}

export async function groupAcrossKill({ members, send, committed }: GroupKillParts): Promise<void> {
  const oneEach = () => members.every((member) => member.assigned === 1);
  const acknowledged = () => latest(members.flatMap((member) => [...member.committed]));
  const seen = () => new Set(members.flatMap((member) => member.values)).size;
  try {
    await waitUntil('a partition each of two members', 40, oneEach);
    await sendMany(send, 0, 100);
    await waitUntil('a hundred messages committed', 20, () => seen() === 100 && total(acknowledged()) >= 100);
    const back = cycleBroker('kill');
    await sendMany(send, 100, 50);
    await back;
    const before = acknowledged();
    const kept = await committed();
    for (const [partition, offset] of before) {
      check(
        (kept.get(partition) ?? -1) >= offset,
        `partition ${partition} committed up to ${offset}, got ${kept.get(partition)}`,
      );
    }
    await sendMany(send, 150, 50);
    await waitUntil('two hundred messages', 60, () => seen() === 200);
    await waitUntil('all of them committed', 20, () => total(acknowledged()) >= 200);
    await waitUntil('still a partition each', 20, oneEach);
  } finally {
    for (const member of members) await member.kill();
  }
}

/** Of each partition: it may have moved from one member to the other and back. */
function latest(commits: readonly (readonly [partition: number, offset: number])[]): Map<number, number> {
  const offsets = new Map<number, number>();
  for (const [partition, offset] of commits) {
    offsets.set(partition, Math.max(offset, offsets.get(partition) ?? 0));
  }
  return offsets;
}

async function sendMany(send: GroupKillParts['send'], from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) await send(`message ${i}`, i % 2);
}

function total(offsets: ReadonlyMap<number, number>): number {
  return [...offsets.values()].reduce((sum, offset) => sum + offset, 0);
}
