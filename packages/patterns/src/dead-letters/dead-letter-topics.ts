import { ClientError } from '@odradek/client';

/** The topics that records of one topic go to when a group fails on them. */
export interface DeadLetterTopics {
  /** One for each delay, in their order. */
  readonly delayed: readonly string[];
  /** What failed through all delays. */
  readonly dead: string;
}

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

const UNITS: readonly [suffix: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** @throws ClientError BAD_TOPIC_NAME when topic and group together make no name that Kafka takes */
export function deadLetterTopics(
  topic: string,
  groupId: string,
  delaysMs: readonly number[],
): DeadLetterTopics {
  return {
    delayed: delaysMs.map((delayMs) => checked(`${topic}.${groupId}.retry.${durationName(delayMs)}`)),
    dead: checked(`${topic}.${groupId}.dlq`),
  };
}

/** Where records go that were put back too often. */
export function parkingTopic(deadLetterTopic: string): string {
  return checked(`${deadLetterTopic.replace(/\.dlq$/, '')}.parked`);
}

/** Where it is written down which records of a dead-letter topic were put back. */
export function ledgerTopic(deadLetterTopic: string): string {
  return checked(`${deadLetterTopic}.redriven`);
}

/** 90 000 is `90s`. */
function durationName(ms: number): string {
  const [suffix, unit] = UNITS.find(([, size]) => ms % size === 0)!;
  return `${ms / unit}${suffix}`;
}

function checked(name: string): string {
  if (TOPIC_NAME.test(name)) return name;
  throw new ClientError(
    'BAD_TOPIC_NAME',
    `"${name}" is no name for a topic: allowed are 1 to 249 letters, digits, ".", "_" and "-"; choose another groupId`,
  );
}
