/** What KafkaJS's errors may be told beside their message. */
export interface KafkaJSErrorMetadata {
  readonly retriable?: boolean;
  readonly cause?: Error;
}

type Reason = Error | string;

function messageOf(reason: Reason): string {
  return typeof reason === 'string' ? reason : reason.message;
}

/** The root of the family, by KafkaJS's names. `retriable` says whether the same may succeed later. */
export class KafkaJSError extends Error {
  override name = 'KafkaJSError';
  readonly retriable: boolean;
  readonly helpUrl?: string;
  declare readonly cause?: Error;

  constructor(reason: Reason, { retriable = true, cause }: KafkaJSErrorMetadata = {}) {
    super(messageOf(reason), cause === undefined ? undefined : { cause });
    this.retriable = retriable;
  }
}

/** Another attempt is of no use. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  override name = 'KafkaJSNonRetriableError';

  constructor(reason: Reason, { cause }: { readonly cause?: Error } = {}) {
    super(reason, cause === undefined ? { retriable: false } : { retriable: false, cause });
  }
}

/** What a broker is known to have said: the name and number of the protocol's error codes. */
export interface ProtocolReason extends Error {
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;
}

/** A broker refused. `type` is the name of the error code, as KafkaJS spells it. */
export class KafkaJSProtocolError extends KafkaJSError {
  override name = 'KafkaJSProtocolError';
  readonly type: string;
  readonly code: number;

  constructor(reason: ProtocolReason, { retriable = reason.retriable }: KafkaJSErrorMetadata = {}) {
    super(reason, { retriable });
    this.type = reason.type;
    this.code = reason.code;
  }
}

export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  override name = 'KafkaJSOffsetOutOfRange';
  readonly topic: string;
  readonly partition: number;

  constructor(reason: ProtocolReason, at: { readonly topic: string; readonly partition: number }) {
    super(reason);
    this.topic = at.topic;
    this.partition = at.partition;
  }
}

export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  override name = 'KafkaJSMemberIdRequired';
  readonly memberId: string;

  constructor(reason: ProtocolReason, { memberId }: { readonly memberId: string }) {
    super(reason);
    this.memberId = memberId;
  }
}

/** Everything was tried. `cause` is what the last attempt ended with. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNumberOfRetriesExceeded';
  readonly retryCount: number;
  readonly retryTime: number;

  constructor(reason: Error, metadata: { readonly retryCount: number; readonly retryTime: number }) {
    super(reason, { cause: reason });
    this.stack = `${this.name}\n  Caused by: ${reason.stack}`;
    this.retryCount = metadata.retryCount;
    this.retryTime = metadata.retryTime;
  }
}

export class KafkaJSConnectionError extends KafkaJSError {
  override name = 'KafkaJSConnectionError';
  readonly broker: string | undefined;
  readonly code: string | undefined;

  constructor(
    reason: Reason,
    {
      broker,
      code,
      cause,
    }: { readonly broker?: string; readonly code?: string; readonly cause?: Error } = {},
  ) {
    super(reason, cause === undefined ? {} : { cause });
    this.broker = broker;
    this.code = code;
  }
}

export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  override name = 'KafkaJSConnectionClosedError';
  readonly host: string | undefined;
  readonly port: number | undefined;

  constructor(reason: Reason, { host, port }: { readonly host?: string; readonly port?: number } = {}) {
    super(reason, { broker: `${host}:${port}` });
    this.host = host;
    this.port = port;
  }
}

export interface KafkaJSRequestTimeoutErrorMetadata {
  readonly broker?: string;
  readonly clientId?: string;
  readonly correlationId?: number;
  readonly createdAt?: number;
  readonly sentAt?: number;
  readonly pendingDuration?: number;
}

export class KafkaJSRequestTimeoutError extends KafkaJSError {
  override name = 'KafkaJSRequestTimeoutError';
  readonly broker: string | undefined;
  readonly correlationId: number | undefined;
  readonly createdAt: number | undefined;
  readonly sentAt: number | undefined;
  readonly pendingDuration: number | undefined;

  constructor(reason: Reason, metadata: KafkaJSRequestTimeoutErrorMetadata = {}) {
    super(reason);
    this.broker = metadata.broker;
    this.correlationId = metadata.correlationId;
    this.createdAt = metadata.createdAt;
    this.sentAt = metadata.sentAt;
    this.pendingDuration = metadata.pendingDuration;
  }
}

export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  override name = 'KafkaJSMetadataNotLoaded';
}

export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  override name = 'KafkaJSTopicMetadataNotLoaded';
  readonly topic: string | undefined;

  constructor(reason: Reason, { topic }: { readonly topic?: string } = {}) {
    super(reason);
    this.topic = topic;
  }
}

export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  override name = 'KafkaJSStaleTopicMetadataAssignment';
  readonly topic: string | undefined;
  readonly unknownPartitions: readonly unknown[] | undefined;

  constructor(
    reason: Reason,
    {
      topic,
      unknownPartitions,
    }: { readonly topic?: string; readonly unknownPartitions?: readonly unknown[] } = {},
  ) {
    super(reason);
    this.topic = topic;
    this.unknownPartitions = unknownPartitions;
  }
}

/** What became of one group that was to be deleted. */
export interface DeleteGroupsResult {
  readonly groupId: string;
  readonly errorCode?: number;
  readonly error?: KafkaJSProtocolError;
}

export class KafkaJSDeleteGroupsError extends KafkaJSError {
  override name = 'KafkaJSDeleteGroupsError';
  readonly groups: readonly DeleteGroupsResult[];

  constructor(reason: Reason, groups: readonly DeleteGroupsResult[] = []) {
    super(reason);
    this.groups = groups;
  }
}

export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  override name = 'KafkaJSServerDoesNotSupportApiKey';
  readonly apiKey: number | undefined;
  readonly apiName: string | undefined;

  constructor(
    reason: Reason,
    { apiKey, apiName }: { readonly apiKey?: number; readonly apiName?: string } = {},
  ) {
    super(reason);
    this.apiKey = apiKey;
    this.apiName = apiName;
  }
}

export class KafkaJSBrokerNotFound extends KafkaJSError {
  override name = 'KafkaJSBrokerNotFound';
}

export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSPartialMessageError';
}

export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSSASLAuthenticationError';
}

export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  override name = 'KafkaJSGroupCoordinatorNotFound';
}

/** KafkaJS has it, this does not; or the brokers do not. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNotImplemented';
}

export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  override name = 'KafkaJSTimeout';
}

export class KafkaJSLockTimeout extends KafkaJSTimeout {
  override name = 'KafkaJSLockTimeout';
}

export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  override name = 'KafkaJSUnsupportedMagicByteInMessageSet';
}

/** Why records of one partition were not deleted. */
export interface DeleteRecordsRefusal {
  readonly partition: number;
  readonly offset: string;
  readonly error: KafkaJSError;
}

/** Retriable when each refusal is. */
export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  override name = 'KafkaJSDeleteTopicRecordsError';
  readonly partitions: readonly DeleteRecordsRefusal[];

  constructor({
    partitions,
  }: {
    readonly topic?: string;
    readonly partitions: readonly DeleteRecordsRefusal[];
  }) {
    super('Error while deleting records', { retriable: partitions.every(({ error }) => error.retriable) });
    this.partitions = partitions;
  }
}

export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvariantViolation';
}

export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  override name = 'KafkaJSCreateTopicError';
  readonly topic: string;

  constructor(reason: ProtocolReason, topic: string) {
    super(reason);
    this.topic = topic;
  }
}

export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  override name = 'KafkaJSAlterPartitionReassignmentsError';
  readonly topic: string | undefined;
  readonly partition: number | undefined;

  constructor(reason: ProtocolReason, topic?: string, partition?: number) {
    super(reason);
    this.topic = topic;
    this.partition = partition;
  }
}

/** Several things failed at once. */
export class KafkaJSAggregateError extends Error {
  override name = 'KafkaJSAggregateError';
  readonly errors: readonly (Error | string)[];

  constructor(message: Error | string, errors: readonly (Error | string)[]) {
    super(messageOf(message));
    this.errors = errors;
  }
}

export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  override name = 'KafkaJSNoBrokerAvailableError';

  constructor() {
    super('No broker available');
  }
}
