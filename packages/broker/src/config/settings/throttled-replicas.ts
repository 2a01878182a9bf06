import type { SettingCheck } from '../setting-check.ts';

/** Replicas named as `partition:broker`, or `*` for all of the topic. Empty entries are passed over. */
export const THROTTLED_REPLICAS: SettingCheck = {
  allowed: 'partition:broker,partition:broker,... or *',
  problem: (value) =>
    isReplicaList(value as readonly string[])
      ? null
      : 'Value must be partition:broker,partition:broker,... or *',
};

function isReplicaList(entries: readonly string[]): boolean {
  if (entries.length === 1 && entries[0] === '*') return true;
  return entries.every((entry) => /^(\d+:\d+)?$/.test(entry));
}
