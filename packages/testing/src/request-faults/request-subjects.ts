/**
 * The topics and groups that a decoded request names, whatever API it is of: Kafka's messages hold topics in arrays
 * whose field begins with "topic", by name or by id, and groups in `groupId`, in `groups` or as a coordinator's key.
 */
export interface NamedByRequest {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const GROUP_KEY_TYPE = 0;

/** @param nameOfTopic of a topic id; undefined for one that is not known */
export function namedByRequest(
  request: unknown,
  nameOfTopic: (topicId: string) => string | undefined,
): NamedByRequest {
  const fields = request as Fields;
  const groupParts = itemsOf(fields['groups']);
  return {
    topics: [fields, ...groupParts.filter(isFields)]
      .flatMap(topicItems)
      .flatMap((item) => topicName(item, nameOfTopic)),
    groups: [
      ...texts([fields['groupId']]),
      ...groupParts.flatMap((item) => texts(isFields(item) ? [item['groupId']] : [item])),
      ...texts(itemsOf(fields['groupsNames'])),
      ...(fields['keyType'] === GROUP_KEY_TYPE
        ? texts([fields['key'], ...itemsOf(fields['coordinatorKeys'])])
        : []),
    ].filter((name) => name !== ''),
  };
}

function topicItems(fields: Fields): readonly unknown[] {
  return Object.entries(fields).flatMap(([name, value]) => (name.startsWith('topic') ? itemsOf(value) : []));
}

function topicName(item: unknown, nameOfTopic: (topicId: string) => string | undefined): readonly string[] {
  if (!isFields(item)) return texts([item]);
  const names = texts([item['name'], item['topic'], item['topicName']]).filter((name) => name !== '');
  if (names.length > 0) return names;
  return typeof item['topicId'] === 'string' ? texts([nameOfTopic(item['topicId'])]) : [];
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
