/** Where Apache Kafka keeps its nodes in ZooKeeper (ZkData). */
export const treePaths = {
  clusterId: '/cluster/id',
  controller: '/controller',
  controllerEpoch: '/controller_epoch',
  brokerIds: '/brokers/ids',
  brokerSequence: '/brokers/seqid',
  topics: '/brokers/topics',
  deleteTopics: '/admin/delete_topics',
  producerIdBlock: '/latest_producer_id_block',
  topicConfigs: '/config/topics',
  configChanges: '/config/changes',
  logDirEvents: '/log_dir_event_notification',
  broker: (brokerId: number) => `/brokers/ids/${brokerId}`,
  topic: (topic: string) => `/brokers/topics/${topic}`,
  partitions: (topic: string) => `/brokers/topics/${topic}/partitions`,
  partition: (topic: string, partition: number) => `/brokers/topics/${topic}/partitions/${partition}`,
  partitionState: (topic: string, partition: number) =>
    `/brokers/topics/${topic}/partitions/${partition}/state`,
  deleteTopic: (topic: string) => `/admin/delete_topics/${topic}`,
  topicConfig: (topic: string) => `/config/topics/${topic}`,
} as const;

/** Persistent nodes without contents that every broker makes at its start, parents before children. */
export const rootPaths: readonly string[] = [
  '/consumers',
  '/brokers',
  '/brokers/ids',
  '/brokers/topics',
  '/brokers/seqid',
  '/config',
  '/config/changes',
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
  '/admin',
  '/admin/delete_topics',
  '/cluster',
  '/isr_change_notification',
  '/latest_producer_id_block',
  '/log_dir_event_notification',
];
