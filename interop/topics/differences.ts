const SAYS_WHY = 'ours says in words why';

/** Answers that differ from Apache Kafka's on purpose: by version and step, with the reason. */
export const meantDifferences: ReadonlyMap<string, string> = new Map([
  ['3.9 delete: topics, one unknown v6', SAYS_WHY],
  ['3.9 delete: an unknown id', SAYS_WHY],
  ['4.4 grow: an unknown topic', SAYS_WHY],
  ['4.4 reassign: call off what is not under way', SAYS_WHY],
  [
    '3.9 metadata: what is left v12',
    'a reassignment to where the partition is changes nothing here, while Kafka 3.9 raises the leader epoch',
  ],
  ['4.4 create: only to check', 'a topic that was only checked has no id, as in Kafka 3.9'],
  ['4.4 metadata: all topics v12', 'a topic was created in a version that Kafka 4 does not serve any more'],
  ['4.4 elect: all', 'topics that need no election are left out, as in Kafka 3.9; Kafka 4 lists them empty'],
  ['4.4 delete: topics, one unknown v6', 'the id is told where it was asked by, as in Kafka 3.9'],
  [
    '3.9 create: a deleted one again',
    'when ours has answered, the name is free; Kafka 3.9 may still be deleting',
  ],
]);
