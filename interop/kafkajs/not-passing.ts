/** Cases of KafkaJS's suite that do not pass, by file, and why. `run.ts --listed` shows how each fails. */
export const NOT_PASSING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/admin/__tests__/alterConfigs.spec.js': {
    'Admin alterConfigs throws an error if there are invalid resource types':
      'the words of the message are ours',
    'Admin alterConfigs retries if the controller has moved': "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/alterPartitionReassignments.spec.js': {
    'Admin alterPartitionReassignments throws an error if the if trying to reassign partitions for a topic that does not exist':
      'the words of the message are ours',
    'Admin alterPartitionReassignments throws an error trying to assign invalid broker':
      'the words of the message are ours',
    'Admin alterPartitionReassignments retries if the controller has moved':
      "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/createAcls.spec.js': {
    'Admin createAcls checks topic access': 'the words of the message are ours',
  },
  'src/admin/__tests__/createPartitions.spec.js': {
    'Admin createPartitions throws an error trying to create partition if topic does not exists':
      'the words of the message are ours',
    'Admin createPartitions throws an error trying to assign invalid broker':
      'the words of the message are ours',
    'Admin createPartitions throws an error trying when total partition is less then current':
      'the words of the message are ours',
    'Admin createPartitions retries if the controller has moved': "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/createTopics.spec.js': {
    'Admin createTopics retries if the controller has moved': "looks into KafkaJS's own modules",
    'Admin createTopics ignore already created topics and return false': "looks into KafkaJS's own modules",
    'Admin createTopics query metadata if waitForLeaders is true': "looks into KafkaJS's own modules",
    'Admin createTopics forward non ignorable errors with topic name metadata':
      "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/deleteAcls.spec.js': {
    'Admin deleteAcls throws an error if there are invalid resource pattern types':
      'the words of the message are ours',
  },
  'src/admin/__tests__/deleteTopicRecords.spec.js': {
    'Admin > deleteTopicRecords in case of retriable error, tries again from the last successful partition (does not re-process successful partition twice)':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords UNKNOWN_TOPIC_OR_PARTITION refresh stale metadata and tries again':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords LEADER_NOT_AVAILABLE refresh stale metadata and tries again':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords NOT_LEADER_FOR_PARTITION refresh stale metadata and tries again':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords KafkaJSMetadataNotLoaded refresh stale metadata and tries again':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords in case offset is below low watermark, log a warning':
      'no warning where there was nothing left to delete',
    'Admin > deleteTopicRecords if 1 of the broker request offsets is out-of-range (non-retriable), the request in its entirety throws an error':
      'the words of the message are ours',
    'Admin > deleteTopicRecords if at least 1 broker error is non-retriable, will not attempt to retry':
      "looks into KafkaJS's own modules",
    'Admin > deleteTopicRecords if all broker errors are retriable, will retry the request':
      "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/deleteTopics.spec.js': {
    'Admin deleteTopics remove deleted topics from the cluster target group':
      "looks into KafkaJS's own modules",
    'Admin deleteTopics retries if the controller has moved': "looks into KafkaJS's own modules",
    'Admin deleteTopics interrupts on REQUEST_TIMED_OUT': "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/describeConfigs.spec.js': {
    'Admin describeConfigs throws an error if there are invalid resource types':
      'the words of the message are ours',
    'Admin describeConfigs retries if the controller has moved': "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/fetchOffsets.spec.js': {
    'Admin fetchOffsets when used with the resolvedOffsets option reset to latest: returns latest *topic* offsets after resolving':
      '-1 and -2 are committed as what they stand for',
    'Admin fetchOffsets when used with the resolvedOffsets option reset to earliest: returns earliest *topic* offsets after resolving':
      '-1 and -2 are committed as what they stand for',
    'Admin fetchOffsets when used with the resolvedOffsets option will return the correct earliest offset when it is greater than 0':
      '-1 and -2 are committed as what they stand for',
  },
  'src/admin/__tests__/fetchTopicMetadata.spec.js': {
    'Admin fetchTopicMetadata creates a new topic if the topic does not exist and "allowAutoTopicCreation" is true':
      'the admin that KafkaJS makes for programs creates no topics either',
    'Admin fetchTopicMetadata throws an error if the topic does not exist and "allowAutoTopicCreation" is false':
      'the words of the message are ours',
  },
  'src/admin/__tests__/listPartitionReassignments.spec.js': {
    'Admin listPartitionReassignments throws an error if the topic name is not a valid string':
      'the words of the message are ours',
    'Admin listPartitionReassignments throws an error if there are multiple entries for the same topic':
      'the words of the message are ours',
    'Admin listPartitionReassignments throws an error if the partitions are not a valid number':
      'the words of the message are ours',
    'Admin listPartitionReassignments retries if the controller has moved':
      "looks into KafkaJS's own modules",
  },
  'src/admin/__tests__/resetOffsets.spec.js': {
    'Admin resetOffsets set the consumer group offsets to the latest offsets':
      '-1 and -2 are committed as what they stand for',
    'Admin resetOffsets set the consumer group offsets to the earliest offsets':
      '-1 and -2 are committed as what they stand for',
  },
  'src/admin/index.spec.js': {
    'Admin emits the request queue size event': 'there is no queue of requests',
  },
  'src/consumer/__tests__/commitOffsets.spec.js': {
    'Consumer when commitOffsets updates the partition committed offset to the given offset':
      "looks into KafkaJS's own modules",
  },
  'src/consumer/__tests__/connection.spec.js': {
    'Consumer reconnects the cluster if disconnected': "looks into KafkaJS's own modules",
  },
  'src/consumer/__tests__/consumeMessages.spec.js': {
    'Consumer consume messages': "looks into KafkaJS's own modules",
    'Consumer heartbeats are exposed in the eachMessage handler': 'heartbeats go out by themselves as well',
    'Consumer commits the last offsets processed before stopping': "looks into KafkaJS's own modules",
    'Consumer consume messages with 0.11 format': "looks into KafkaJS's own modules",
    'Consumer consume GZIP messages with 0.11 format': 'asks for magicByte, which the types do not have',
    'Consumer discards messages received when pausing while fetch is in-flight':
      'FETCH_START comes together with FETCH',
    'Consumer transactions respects offsets sent by a committed transaction ("consume-transform-produce" flow)':
      'the partition is a number, as the types say',
    'Consumer transactions does not respect offsets sent by an aborted transaction ("consume-transform-produce" flow)':
      'the partition is a number, as the types say',
  },
  'src/consumer/__tests__/controlBatches.spec.js': {
    'Consumer can process transactions across multiple batches':
      'a batch that holds nothing is not handed over',
  },
  'src/consumer/__tests__/emptyAssignment.spec.js': {
    'Consumer remains in the group without receiving any assignment':
      'nothing is fetched where nothing is assigned',
  },
  'src/consumer/__tests__/errorRecovery.spec.js': {
    'Consumer recovers from offset out of range': "looks into KafkaJS's own modules",
    'Consumer recovers from crashes due to retriable errors': "looks into KafkaJS's own modules",
    'Consumer does not recover from crashes due to not retriable errors': "looks into KafkaJS's own modules",
    'Consumer recovers from crashes due to retriable errors exhausting the number of retries':
      "looks into KafkaJS's own modules",
    'Consumer allows the user to bail out of restarting on retriable errors':
      "looks into KafkaJS's own modules",
  },
  'src/consumer/__tests__/instrumentationEvents.spec.js': {
    'Consumer > Instrumentation Events emits commit offsets': 'the partition is a number, as the types say',
    'Consumer > Instrumentation Events emits start and end batch process when reading empty control batches':
      'a batch that holds nothing is not handed over',
    'Consumer > Instrumentation Events emits request timeout events': "looks into KafkaJS's own modules",
    'Consumer > Instrumentation Events emits received unsubscribed topics events':
      'members are given only what they read',
  },
  'src/index.spec.js': {
    'Client shares a commit mapping between the consumer and the producer':
      "looks into KafkaJS's own modules",
    'Client passes options to the producer': "looks into KafkaJS's own modules",
    'Client consumer creates a consumer with the correct isolation level': "looks into KafkaJS's own modules",
    'Client retry configurations merges local producer options with the client options':
      "looks into KafkaJS's own modules",
    'Client retry configurations merges local consumer options with the client options':
      "looks into KafkaJS's own modules",
    'Client retry configurations creates consumer with the default options':
      "looks into KafkaJS's own modules",
    'Client retry configurations merges local admin options with the client options':
      "looks into KafkaJS's own modules",
  },
  'src/producer/__tests__/idempotentProduceMessages.spec.js': {
    'sequential produce() calls > where produce() throws a retriable error, all messages are written to the partition once, in order':
      "looks into KafkaJS's own modules",
    'sequential produce() calls > where produce() throws a retriable error after the message is written to the log, all messages are written to the partition once, in order':
      "looks into KafkaJS's own modules",
    'concurrent produce() calls > where produce() throws a retriable error on the first call, all messages are written to the partition once':
      "looks into KafkaJS's own modules",
    'concurrent produce() calls > where produce() throws a retriable error on 2nd call, all messages are written to the partition once':
      "looks into KafkaJS's own modules",
    'concurrent produce() calls > where produce() throws a retriable error after the message is written to the log, all messages are written to the partition once':
      "looks into KafkaJS's own modules",
  },
  'src/producer/__tests__/producingToInvalidTopic.spec.js': {
    'Producer > Producing to invalid topics it rejects when producing to an invalid topic name, but is able to subsequently produce to a valid topic':
      'the words of the message are ours',
  },
  'src/producer/compression.spec.js': {
    'Producer snappy compression not configured throws an error': 'the codecs are built in',
    'Producer lz4 compression not configured throws an error': 'the codecs are built in',
    'Producer zstd compression not configured throws an error': 'the codecs are built in',
  },
  'src/producer/index.spec.js': {
    'Producer reconnects the cluster if disconnected': "looks into KafkaJS's own modules",
    'Producer emits the request queue size event': 'there is no queue of requests',
    'Producer when idempotent=true sets the default retry value to MAX_SAFE_INTEGER':
      "looks into KafkaJS's own modules",
    'Producer when idempotent=true only calls initProducerId if unitialized':
      "looks into KafkaJS's own modules",
    'Producer transactions supports sending offsets': "looks into KafkaJS's own modules",
    "Producer transactions without operations transaction that is created after a transaction that hasn't made any operations should work":
      "looks into KafkaJS's own modules",
  },
};
