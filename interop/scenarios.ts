// The one list of what every client must be able to do. Rows of the printed table; the name is what
// the drivers under clients/ receive.
export interface Scenario {
  readonly name: string;
  readonly says: string;
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'create-topic',
    says: 'create a topic; an existing name, no partitions, too many replicas are refused',
  },
  { name: 'produce-none', says: 'produce uncompressed with acks 1, all and 0, read back equal' },
  { name: 'produce-gzip', says: 'the same with gzip' },
  { name: 'produce-snappy', says: 'the same with snappy' },
  { name: 'produce-lz4', says: 'the same with lz4' },
  { name: 'produce-zstd', says: 'the same with zstd' },
  { name: 'consume-start', says: 'consume from the start' },
  { name: 'consume-offset', says: 'consume from an offset' },
  { name: 'consume-time', says: 'consume from a time' },
  { name: 'group-of-three', says: 'three members share six partitions; one is killed, two go on' },
  {
    name: 'group-kill',
    says: 'two members across kill -9 of the broker: acknowledged commits hold, both go on',
  },
  { name: 'commit-resume', says: 'commit, close, resume behind the commit' },
  { name: 'headers', says: 'headers in order, with empty and null values' },
  { name: 'nulls-and-tombstones', says: 'null and empty keys and values stay apart' },
  { name: 'message-1mb', says: 'a message of 1 MB' },
  { name: 'message-too-large', says: 'a message above message.max.bytes is refused with code 10' },
  {
    name: 'idempotent-kill',
    says: 'idempotent producing across kill -9 of the broker: each message once, in order',
  },
  { name: 'idempotent-restart', says: 'the same across a graceful restart' },
  { name: 'delete-records', says: 'delete records before an offset' },
  { name: 'admin-configs', says: 'describe and alter settings of topics and brokers' },
  { name: 'admin-partitions', says: 'add partitions' },
  { name: 'admin-groups', says: 'list, describe, reset and delete groups' },
  { name: 'admin-cluster', says: 'describe the cluster and its log directories' },
  { name: 'admin-offsets', says: 'list the earliest, latest and timed offsets' },
  { name: 'delete-topic', says: 'delete a topic and create it again' },
  { name: 'perf-tools', says: 'producer and consumer performance tools' },
  { name: 'verifiable-tools', says: 'verifiable producer and consumer' },
];
