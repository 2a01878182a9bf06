import { LeaderEpochCache } from '@odradek/core/log/leader-epoch-cache.ts';

/** A log as the epochs of its records. */
export type History = readonly number[];

export function epochsOf(history: History): LeaderEpochCache {
  const cache = new LeaderEpochCache([], { save: () => {}, saveLater: () => () => {} });
  for (const [offset, epoch] of history.entries()) cache.assign(epoch, offset);
  return cache;
}

/** All logs of up to `length` records whose epochs ascend from 0 to `epochMax`. */
export function histories(length: number, epochMax: number): History[] {
  const found: History[] = [[]];
  for (const start of found) {
    if (start.length === length) continue;
    for (let epoch = start.at(-1) ?? 0; epoch <= epochMax; epoch++) found.push([...start, epoch]);
  }
  return found;
}

export const commonPrefix = (a: History, b: History): number => {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
};

/**
 * Records of one epoch are appended by one leader, in order: two logs that both hold a record of an epoch agree on
 * all that lies before the end of that epoch in the shorter of them.
 */
export function canCoexist(a: History, b: History): boolean {
  const shared = a.findLastIndex((epoch, i) => b[i] === epoch);
  const sharedEpochs = a.some((epoch) => b.includes(epoch) && a.indexOf(epoch) !== b.indexOf(epoch));
  return !sharedEpochs && commonPrefix(a, b) === shared + 1;
}
