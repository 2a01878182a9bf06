import type { ConsumedRecord } from '@odradek/client';
import { readNotes, type DeathNotes } from './death-notes.ts';

/** A record of a dead-letter topic, with what its headers say of it. */
export interface DeadLetter extends DeathNotes {
  /** As it lies in the dead-letter topic: its bytes, partition and offset there. */
  readonly record: ConsumedRecord;
}

/** Null when the headers do not say where it came from. */
export function deadLetterOf(record: ConsumedRecord): DeadLetter | null {
  const notes = readNotes(record.headers);
  return notes === null ? null : { ...notes, record };
}
