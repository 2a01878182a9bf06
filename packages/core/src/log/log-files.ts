/** The names that Kafka gives to the files and directories of a log. */

export const LOG_SUFFIX = '.log';
export const OFFSET_INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TRANSACTION_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
/** A file that waits for its removal. */
export const DELETED_SUFFIX = '.deleted';
/** What compaction was writing when it stopped: worthless. */
export const CLEANED_SUFFIX = '.cleaned';
/** What is to replace a small file, and is being written off the loop. */
export const LATER_SUFFIX = '.later.tmp';
/** What compaction had finished writing, on its way to replace the originals. */
export const SWAP_SUFFIX = '.swap';

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint';
export const PARTITION_METADATA_FILE = 'partition.metadata';

/** How often the log has changed its data directory; see log-generation.ts. */
export const GENERATION_FILE = 'log-generation';

const DELETED_DIRECTORY = /^(.+)-(\d+)\.([0-9a-f]{32})-delete$/;
const FUTURE_DIRECTORY = /^(.+)-(\d{1,10})\.([0-9a-f]{32})-future$/;
const STRAY_DIRECTORY = /^(.+)-(\d+)\.([0-9a-f]{32})-stray$/;
const NAME_SIZE_MAX = 255;

/** The 20 digits that name everything that begins at an offset. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0');
}

/** `00000000000000000042.log` is 42; null when the name is not of that form. */
export function offsetOfName(name: string, suffix: string): number | null {
  if (!name.endsWith(suffix)) return null;
  const digits = name.slice(0, -suffix.length);
  return /^\d{20}$/.test(digits) ? Number(digits) : null;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

export type DirectoryKind =
  | { readonly kind: 'log'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'future'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'other' };

/** What a directory inside a data directory is, by its name. */
export function classifyDirectory(name: string): DirectoryKind {
  if (DELETED_DIRECTORY.test(name)) return { kind: 'deleted' };
  if (STRAY_DIRECTORY.test(name)) return { kind: 'other' };
  const future = FUTURE_DIRECTORY.exec(name);
  if (future !== null) return { kind: 'future', topic: future[1]!, partition: Number(future[2]) };
  const dash = name.lastIndexOf('-');
  const digits = name.slice(dash + 1);
  if (dash < 1 || !/^\d{1,10}$/.test(digits)) return { kind: 'other' };
  return { kind: 'log', topic: name.slice(0, dash), partition: Number(digits) };
}

/**
 * The name of a log directory that waits for its removal. File systems allow 255 bytes, so a long topic's name
 * is cut, which does no harm: nothing reads it again.
 *
 * @param id 32 hexadecimal digits
 */
export function deletedDirectoryName(topic: string, partition: number, id: string): string {
  return shortenedName(topic, `-${partition}.${id}-delete`);
}

/**
 * The name of the directory of a log that is being filled to replace the one in another data directory.
 *
 * @param id 32 hexadecimal digits
 * @returns null where the topic's name is too long for a file system
 */
export function futureDirectoryName(topic: string, partition: number, id: string): string | null {
  const name = `${partitionDirectoryName(topic, partition)}.${id}-future`;
  return name.length > NAME_SIZE_MAX ? null : name;
}

/** The name of a log directory that belongs to no topic any more. @param id 32 hexadecimal digits */
export function strayDirectoryName(topic: string, partition: number, id: string): string {
  return shortenedName(topic, `-${partition}.${id}-stray`);
}

function shortenedName(topic: string, suffix: string): string {
  return topic.slice(0, NAME_SIZE_MAX - suffix.length) + suffix;
}
