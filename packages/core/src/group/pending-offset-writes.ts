import type { TopicPartition } from './group-commands.ts';

/** Offsets that are being appended and may still fail, by group; counted, as one may be under way twice. */
export class PendingOffsetWrites {
  private readonly groups = new Map<string, Map<string, { readonly at: TopicPartition; count: number }>>();

  add(groupId: string, { topic, partition }: TopicPartition): void {
    let pending = this.groups.get(groupId);
    if (pending === undefined) this.groups.set(groupId, (pending = new Map()));
    const key = keyOf(topic, partition);
    const known = pending.get(key);
    if (known === undefined) pending.set(key, { at: { topic, partition }, count: 1 });
    else known.count += 1;
  }

  remove(groupId: string, { topic, partition }: TopicPartition): void {
    const pending = this.groups.get(groupId);
    const key = keyOf(topic, partition);
    const known = pending?.get(key);
    if (pending === undefined || known === undefined) return;
    known.count -= 1;
    if (known.count > 0) return;
    pending.delete(key);
    if (pending.size === 0) this.groups.delete(groupId);
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.groups.get(groupId)?.has(keyOf(topic, partition)) ?? false;
  }

  *of(groupId: string): Generator<TopicPartition> {
    for (const { at } of this.groups.get(groupId)?.values() ?? []) yield at;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}\0${partition}`;
}
