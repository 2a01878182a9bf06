import type { SettingCheck } from '../setting-check.ts';

/** Versions of Kafka in which something between brokers, or the format of records, changed. */
const VERSIONS = [
  '0.8.0',
  '0.8.1',
  '0.8.2',
  '0.9.0',
  '0.10.0-IV0',
  '0.10.0-IV1',
  '0.10.1-IV0',
  '0.10.1-IV1',
  '0.10.1-IV2',
  '0.10.2-IV0',
  '0.11.0-IV0',
  '0.11.0-IV1',
  '0.11.0-IV2',
  '1.0-IV0',
  '1.1-IV0',
  '2.0-IV0',
  '2.0-IV1',
  '2.1-IV0',
  '2.1-IV1',
  '2.1-IV2',
  '2.2-IV0',
  '2.2-IV1',
  '2.3-IV0',
  '2.3-IV1',
  '2.4-IV0',
  '2.4-IV1',
  '2.5-IV0',
  '2.6-IV0',
  '2.7-IV0',
  '2.7-IV1',
  '2.7-IV2',
  '2.8-IV0',
  '2.8-IV1',
  '3.0-IV0',
  '3.0-IV1',
  '3.1-IV0',
  '3.2-IV0',
  '3.3-IV0',
  '3.3-IV1',
  '3.3-IV2',
  '3.3-IV3',
  '3.4-IV0',
  '3.5-IV0',
  '3.5-IV1',
  '3.5-IV2',
  '3.6-IV0',
  '3.6-IV1',
  '3.6-IV2',
  '3.7-IV0',
  '3.7-IV1',
  '3.7-IV2',
  '3.7-IV3',
  '3.7-IV4',
  '3.8-IV0',
  '3.9-IV0',
  '4.0-IV0',
  '4.0-IV1',
];

/** `3.9` means what `3.9-IV0` says. 4.0 was not released when 3.9 was: only its drafts have names. */
const NAMES = new Set(
  VERSIONS.flatMap((version) =>
    version.startsWith('4.') ? [version] : [version, version.replace(/-IV\d+$/, '')],
  ),
);

export const KAFKA_VERSION: SettingCheck = {
  allowed: 'a version of Kafka from 0.8.0 to 3.9, such as 3.9 or 3.9-IV0',
  problem: (value) =>
    NAMES.has(significant(value as string)) ? null : `Version \`${value as string}\` is not a valid version`,
};

/** Of `2.8.1` only `2.8` counts, of `0.10.2.1` only `0.10.2`. */
function significant(text: string): string {
  return text
    .split('.')
    .slice(0, text.startsWith('0.') ? 3 : 2)
    .join('.');
}
