import type { ConsumedRecord } from '@odradek/client';
import { readNotes } from '../dead-letters/death-notes.ts';

/** The header in which producers name a message; ours do so in the spool and the outbox. */
export const MESSAGE_ID_HEADER = 'message-id';

/** What a message is called, the same however often and by whichever way it comes. */
export type MessageIdOf = (record: ConsumedRecord, context: { readonly id: string }) => string;

/**
 * The header `message-id`, which survives that a producer sends twice; else where the record first failed, if it was
 * put back from the dead letters; else its place, which only survives that it is delivered twice.
 */
export const messageId: MessageIdOf = ({ headers }, { id }) => {
  const named = headers.findLast(({ key }) => key === MESSAGE_ID_HEADER)?.value ?? null;
  if (named !== null && named.length > 0) return named.toString('utf8');
  return readNotes(headers)?.id ?? id;
};
