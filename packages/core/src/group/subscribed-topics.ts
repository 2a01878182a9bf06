import { Reader } from '@odradek/protocol/primitives/reader.ts';

/** The protocol type of groups that consume topics; other types bring metadata that only they understand. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/**
 * The topics of a consumer's subscription. Every version begins as version 0 does: a version number and the
 * list of topics; the rest is the assignors' affair.
 *
 * @returns null when the bytes are not a subscription
 */
export function subscribedTopics(metadata: Buffer): string[] | null {
  try {
    const reader = new Reader(metadata);
    if (reader.int16() < 0) return null;
    const count = reader.arrayLength(2);
    if (count < 0) return null;
    return Array.from({ length: count }, () => reader.string());
  } catch {
    return null;
  }
}
