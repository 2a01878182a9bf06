import type { RecordHeader } from '@odradek/protocol/records/record.ts';

/** What is known of a record that failed, kept in its headers on its way through delay and dead-letter topics. */
export interface DeathNotes {
  /** Where it failed first, over clusters and topics that were made anew; the same on every later way. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly group: string;
  /** Attempts that failed, over all stages. */
  readonly attempts: number;
  readonly error: string;
  /** Milliseconds since 1970. */
  readonly firstFailedMs: number;
  /** Of the record that failed first. */
  readonly timestampMs: number;
  /** Delay topics that it has been through. */
  readonly delays: number;
  /** When it is to be tried again, milliseconds since 1970; null in dead-letter topics. */
  readonly dueMs: number | null;
  /** How often it was put back. */
  readonly redrives: number;
  /** The run that put it back last; null when none did. */
  readonly runId: string | null;
}

/** The first six are those of KIP-1191, so that what reads dead letters of share groups reads these. */
const NAMES = {
  topic: '__dlq.errors.topic',
  partition: '__dlq.errors.partition',
  offset: '__dlq.errors.offset',
  group: '__dlq.errors.group',
  attempts: '__dlq.errors.delivery.count',
  error: '__dlq.errors.message',
  id: 'dl.id',
  firstFailedMs: 'dl.first-failed',
  timestampMs: 'dl.timestamp',
  delays: 'dl.delays',
  dueMs: 'dl.due',
  redrives: 'dl.redrives',
  runId: 'dl.run',
} as const satisfies Readonly<Record<keyof DeathNotes, string>>;

const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES));

/** Longest text of an error, bytes. */
export const ERROR_MAX_BYTES = 1_024;

/** The headers that the record had by itself, and the notes behind them: they are replaced, never piled up. */
export function withNotes(headers: readonly RecordHeader[], notes: DeathNotes): RecordHeader[] {
  const written = (Object.keys(NAMES) as (keyof DeathNotes)[]).flatMap((field) => {
    const value = notes[field];
    return value === null ? [] : [{ key: NAMES[field], value: Buffer.from(String(value)) }];
  });
  return [...ownHeaders(headers), ...written];
}

/** What the record had by itself. */
export function ownHeaders(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter(({ key }) => !OWN_NAMES.has(key));
}

/** Null when the headers do not say where the record came from. Fields that others leave out are filled in. */
export function readNotes(headers: readonly RecordHeader[]): DeathNotes | null {
  const texts = new Map<string, string>();
  for (const { key, value } of headers)
    if (OWN_NAMES.has(key) && value !== null) texts.set(key, String(value));
  const number = (field: keyof DeathNotes): number | null => {
    const text = texts.get(NAMES[field]) ?? '';
    return /^\d{1,16}$/.test(text) ? Number(text) : null;
  };
  const topic = texts.get(NAMES.topic);
  const partition = number('partition');
  const offset = number('offset');
  if (topic === undefined || topic === '' || partition === null || offset === null) return null;
  return {
    id: texts.get(NAMES.id) ?? `${topic}/${partition}/${offset}`,
    topic,
    partition,
    offset,
    group: texts.get(NAMES.group) ?? '',
    attempts: number('attempts') ?? 0,
    error: texts.get(NAMES.error) ?? '',
    firstFailedMs: number('firstFailedMs') ?? 0,
    timestampMs: number('timestampMs') ?? -1,
    delays: number('delays') ?? 0,
    dueMs: number('dueMs'),
    redrives: number('redrives') ?? 0,
    runId: texts.get(NAMES.runId) ?? null,
  };
}

/** At most so many bytes of UTF-8, no character cut in two. */
export function shortened(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
