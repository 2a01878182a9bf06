import type { SettingCheck } from '../setting-check.ts';

/** Replicas named as `partition:broker`, or `*` for all of the topic; `none` and nothing for none. */
export const THROTTLED_REPLICAS: SettingCheck = {
  allowed: 'partition:broker,partition:broker,... or *',
  problem: (value) =>
    isReplicaList(value as readonly string[]) ? null : `Value must be partition:broker,... or *`,
};

function isReplicaList(entries: readonly string[]): boolean {
  if (entries.length === 1 && ['*', 'none', ''].includes(entries[0] as string)) return true;
  return entries.every((entry) => /^\d+:\d+$/.test(entry));
}
