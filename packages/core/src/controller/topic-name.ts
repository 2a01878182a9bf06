export const GROUP_OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';
export const SHARE_GROUP_STATE_TOPIC = '__share_group_state';
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  GROUP_OFFSETS_TOPIC,
  TRANSACTION_STATE_TOPIC,
  SHARE_GROUP_STATE_TOPIC,
]);

/** Leaves room for "-partition" and "-delete" in the 255 bytes of a directory's name. */
const NAME_LENGTH_MAX = 249;

/** Kept by the brokers themselves, and hidden from consumers that subscribe by pattern. */
export function isInternalTopic(topic: string): boolean {
  return INTERNAL_TOPICS.has(topic);
}

/** What is wrong with a topic's name, or null when it is good. */
export function topicNameFault(name: string): string | null {
  if (name === '') return 'Topic name is invalid: it must not be empty';
  if (name === '.' || name === '..') return `Topic name is invalid: it must not be "${name}"`;
  if (name.length > NAME_LENGTH_MAX)
    return `Topic name is invalid: it has ${name.length} characters, and at most ${NAME_LENGTH_MAX} are allowed`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `Topic name is invalid: "${name}" must consist of ASCII letters, digits, ".", "_" and "-"`;
  return null;
}

/** Two names with the same key cannot both exist: metric names write "." as "_". */
export function topicCollisionKey(name: string): string {
  return name.replaceAll('.', '_');
}
