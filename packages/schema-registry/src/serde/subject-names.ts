import { ClientError, type SerdePlace } from '@odradek/client';

/** What a subject may be named after. */
export interface SubjectContext extends SerdePlace {
  /**
   * The full name of an Avro record or other named type, of a Protobuf message; the `title` of a JSON Schema. Null when the
   * schema has none, or is yet to be read from the subject.
   */
  readonly recordName: string | null;
}

/**
 * Under which subject a schema is registered: `TopicName` ("orders-value"), `RecordName` ("shop.Order"),
 * `TopicRecordName` ("orders-shop.Order"), as other clients name their strategies; or a function.
 */
export type SubjectName = keyof typeof STRATEGIES | ((context: SubjectContext) => string);

const STRATEGIES = {
  TopicName: ({ topic, part }: SubjectContext) => `${topic}-${part}`,
  RecordName: (context: SubjectContext) => recordNameOf(context),
  TopicRecordName: (context: SubjectContext) => `${context.topic}-${recordNameOf(context)}`,
};

/** @throws ClientError BAD_OPTION for a name that is none */
export function subjectNaming(given: SubjectName): (context: SubjectContext) => string {
  if (typeof given === 'function') return given;
  if (Object.hasOwn(STRATEGIES, given)) return STRATEGIES[given];
  const allowed = Object.keys(STRATEGIES).join(', ');
  throw new ClientError(
    'BAD_OPTION',
    `subjectName is "${String(given)}", allowed are ${allowed} and functions`,
  );
}

function recordNameOf({ topic, part, recordName }: SubjectContext): string {
  if (recordName !== null) return recordName;
  throw new ClientError(
    'NO_RECORD_NAME',
    `the ${part} of topic "${topic}" has no schema with a name, after which its subject could be named`,
  );
}
