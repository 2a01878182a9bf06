import type { Api, Message } from './notation.ts';
import { produceSchema } from './produce.ts';
import { fetchSchema } from './fetch.ts';
import { listOffsetsSchema } from './list-offsets.ts';
import { metadataSchema } from './metadata.ts';
import { leaderAndIsrSchema } from './leader-and-isr.ts';
import { stopReplicaSchema } from './stop-replica.ts';
import { updateMetadataSchema } from './update-metadata.ts';
import { controlledShutdownSchema } from './controlled-shutdown.ts';
import { offsetCommitSchema } from './offset-commit.ts';
import { offsetFetchSchema } from './offset-fetch.ts';
import { findCoordinatorSchema } from './find-coordinator.ts';
import { joinGroupSchema } from './join-group.ts';
import { heartbeatSchema } from './heartbeat.ts';
import { leaveGroupSchema } from './leave-group.ts';
import { syncGroupSchema } from './sync-group.ts';
import { describeGroupsSchema } from './describe-groups.ts';
import { listGroupsSchema } from './list-groups.ts';
import { saslHandshakeSchema } from './sasl-handshake.ts';
import { apiVersionsSchema } from './api-versions.ts';
import { createTopicsSchema } from './create-topics.ts';
import { deleteTopicsSchema } from './delete-topics.ts';
import { deleteRecordsSchema } from './delete-records.ts';
import { initProducerIdSchema } from './init-producer-id.ts';
import { offsetForLeaderEpochSchema } from './offset-for-leader-epoch.ts';
import { addPartitionsToTxnSchema } from './add-partitions-to-txn.ts';
import { addOffsetsToTxnSchema } from './add-offsets-to-txn.ts';
import { endTxnSchema } from './end-txn.ts';
import { writeTxnMarkersSchema } from './write-txn-markers.ts';
import { txnOffsetCommitSchema } from './txn-offset-commit.ts';
import { describeAclsSchema } from './describe-acls.ts';
import { createAclsSchema } from './create-acls.ts';
import { deleteAclsSchema } from './delete-acls.ts';
import { describeConfigsSchema } from './describe-configs.ts';
import { alterConfigsSchema } from './alter-configs.ts';
import { alterReplicaLogDirsSchema } from './alter-replica-log-dirs.ts';
import { describeLogDirsSchema } from './describe-log-dirs.ts';
import { saslAuthenticateSchema } from './sasl-authenticate.ts';
import { createPartitionsSchema } from './create-partitions.ts';
import { createDelegationTokenSchema } from './create-delegation-token.ts';
import { renewDelegationTokenSchema } from './renew-delegation-token.ts';
import { expireDelegationTokenSchema } from './expire-delegation-token.ts';
import { describeDelegationTokenSchema } from './describe-delegation-token.ts';
import { deleteGroupsSchema } from './delete-groups.ts';
import { electLeadersSchema } from './elect-leaders.ts';
import { incrementalAlterConfigsSchema } from './incremental-alter-configs.ts';
import { alterPartitionReassignmentsSchema } from './alter-partition-reassignments.ts';
import { listPartitionReassignmentsSchema } from './list-partition-reassignments.ts';
import { offsetDeleteSchema } from './offset-delete.ts';
import { describeClientQuotasSchema } from './describe-client-quotas.ts';
import { alterClientQuotasSchema } from './alter-client-quotas.ts';
import { describeUserScramCredentialsSchema } from './describe-user-scram-credentials.ts';
import { alterUserScramCredentialsSchema } from './alter-user-scram-credentials.ts';
import { voteSchema } from './vote.ts';
import { beginQuorumEpochSchema } from './begin-quorum-epoch.ts';
import { endQuorumEpochSchema } from './end-quorum-epoch.ts';
import { describeQuorumSchema } from './describe-quorum.ts';
import { alterPartitionSchema } from './alter-partition.ts';
import { updateFeaturesSchema } from './update-features.ts';
import { envelopeSchema } from './envelope.ts';
import { fetchSnapshotSchema } from './fetch-snapshot.ts';
import { describeClusterSchema } from './describe-cluster.ts';
import { describeProducersSchema } from './describe-producers.ts';
import { brokerRegistrationSchema } from './broker-registration.ts';
import { brokerHeartbeatSchema } from './broker-heartbeat.ts';
import { unregisterBrokerSchema } from './unregister-broker.ts';
import { describeTransactionsSchema } from './describe-transactions.ts';
import { listTransactionsSchema } from './list-transactions.ts';
import { allocateProducerIdsSchema } from './allocate-producer-ids.ts';
import { consumerGroupHeartbeatSchema } from './consumer-group-heartbeat.ts';
import { consumerGroupDescribeSchema } from './consumer-group-describe.ts';
import { controllerRegistrationSchema } from './controller-registration.ts';
import { getTelemetrySubscriptionsSchema } from './get-telemetry-subscriptions.ts';
import { pushTelemetrySchema } from './push-telemetry.ts';
import { assignReplicasToDirsSchema } from './assign-replicas-to-dirs.ts';
import { listConfigResourcesSchema } from './list-config-resources.ts';
import { describeTopicPartitionsSchema } from './describe-topic-partitions.ts';
import { shareGroupHeartbeatSchema } from './share-group-heartbeat.ts';
import { shareGroupDescribeSchema } from './share-group-describe.ts';
import { shareFetchSchema } from './share-fetch.ts';
import { shareAcknowledgeSchema } from './share-acknowledge.ts';
import { addRaftVoterSchema } from './add-raft-voter.ts';
import { removeRaftVoterSchema } from './remove-raft-voter.ts';
import { updateRaftVoterSchema } from './update-raft-voter.ts';
import { initializeShareGroupStateSchema } from './initialize-share-group-state.ts';
import { readShareGroupStateSchema } from './read-share-group-state.ts';
import { writeShareGroupStateSchema } from './write-share-group-state.ts';
import { deleteShareGroupStateSchema } from './delete-share-group-state.ts';
import { readShareGroupStateSummarySchema } from './read-share-group-state-summary.ts';
import { streamsGroupHeartbeatSchema } from './streams-group-heartbeat.ts';
import { streamsGroupDescribeSchema } from './streams-group-describe.ts';
import { describeShareGroupOffsetsSchema } from './describe-share-group-offsets.ts';
import { alterShareGroupOffsetsSchema } from './alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsSchema } from './delete-share-group-offsets.ts';
import { streamsGroupTopologyDescriptionUpdateSchema } from './streams-group-topology-description-update.ts';
import { unregisterControllerSchema } from './unregister-controller.ts';
import { requestHeaderSchema, responseHeaderSchema } from './headers.ts';
import { consumerProtocolSubscriptionSchema, consumerProtocolAssignmentSchema } from './consumer-protocol.ts';
import {
  legacyOffsetCommitKeySchema,
  legacyOffsetCommitValueSchema,
  offsetCommitKeySchema,
  offsetCommitValueSchema,
  groupMetadataKeySchema,
  groupMetadataValueSchema,
} from './group-records.ts';
import {
  consumerGroupMetadataKeySchema,
  consumerGroupMetadataValueSchema,
  consumerGroupPartitionMetadataKeySchema,
  consumerGroupPartitionMetadataValueSchema,
  consumerGroupMemberMetadataKeySchema,
  consumerGroupMemberMetadataValueSchema,
  consumerGroupTargetAssignmentMetadataKeySchema,
  consumerGroupTargetAssignmentMetadataValueSchema,
  consumerGroupTargetAssignmentMemberKeySchema,
  consumerGroupTargetAssignmentMemberValueSchema,
  consumerGroupCurrentMemberAssignmentKeySchema,
  consumerGroupCurrentMemberAssignmentValueSchema,
  consumerGroupRegularExpressionKeySchema,
  consumerGroupRegularExpressionValueSchema,
} from './consumer-group-records.ts';
import {
  shareGroupMemberMetadataKeySchema,
  shareGroupMemberMetadataValueSchema,
  shareGroupMetadataKeySchema,
  shareGroupMetadataValueSchema,
  shareGroupTargetAssignmentMetadataKeySchema,
  shareGroupTargetAssignmentMetadataValueSchema,
  shareGroupTargetAssignmentMemberKeySchema,
  shareGroupTargetAssignmentMemberValueSchema,
  shareGroupCurrentMemberAssignmentKeySchema,
  shareGroupCurrentMemberAssignmentValueSchema,
  shareGroupStatePartitionMetadataKeySchema,
  shareGroupStatePartitionMetadataValueSchema,
} from './share-group-records.ts';
import {
  streamsGroupMetadataKeySchema,
  streamsGroupMetadataValueSchema,
  streamsGroupMemberMetadataKeySchema,
  streamsGroupMemberMetadataValueSchema,
  streamsGroupTargetAssignmentMetadataKeySchema,
  streamsGroupTargetAssignmentMetadataValueSchema,
  streamsGroupTargetAssignmentMemberKeySchema,
  streamsGroupTargetAssignmentMemberValueSchema,
  streamsGroupCurrentMemberAssignmentKeySchema,
  streamsGroupCurrentMemberAssignmentValueSchema,
  streamsGroupTopologyKeySchema,
  streamsGroupTopologyValueSchema,
} from './streams-group-records.ts';
import {
  shareSnapshotKeySchema,
  shareSnapshotValueSchema,
  shareUpdateKeySchema,
  shareUpdateValueSchema,
} from './share-state-records.ts';
import { transactionLogKeySchema, transactionLogValueSchema } from './transaction-records.ts';
import {
  controlRecordTypeSchemaSchema,
  endTxnMarkerSchema,
  leaderChangeMessageSchema,
  snapshotHeaderRecordSchema,
  snapshotFooterRecordSchema,
  kRaftVersionRecordSchema,
  votersRecordSchema,
} from './control-records.ts';
import { abortedTxnSchema } from './transaction-index.ts';
import { defaultPrincipalDataSchema } from './principal.ts';

/** Every API, by key. */
export const apis: readonly Api[] = [
  produceSchema,
  fetchSchema,
  listOffsetsSchema,
  metadataSchema,
  leaderAndIsrSchema,
  stopReplicaSchema,
  updateMetadataSchema,
  controlledShutdownSchema,
  offsetCommitSchema,
  offsetFetchSchema,
  findCoordinatorSchema,
  joinGroupSchema,
  heartbeatSchema,
  leaveGroupSchema,
  syncGroupSchema,
  describeGroupsSchema,
  listGroupsSchema,
  saslHandshakeSchema,
  apiVersionsSchema,
  createTopicsSchema,
  deleteTopicsSchema,
  deleteRecordsSchema,
  initProducerIdSchema,
  offsetForLeaderEpochSchema,
  addPartitionsToTxnSchema,
  addOffsetsToTxnSchema,
  endTxnSchema,
  writeTxnMarkersSchema,
  txnOffsetCommitSchema,
  describeAclsSchema,
  createAclsSchema,
  deleteAclsSchema,
  describeConfigsSchema,
  alterConfigsSchema,
  alterReplicaLogDirsSchema,
  describeLogDirsSchema,
  saslAuthenticateSchema,
  createPartitionsSchema,
  createDelegationTokenSchema,
  renewDelegationTokenSchema,
  expireDelegationTokenSchema,
  describeDelegationTokenSchema,
  deleteGroupsSchema,
  electLeadersSchema,
  incrementalAlterConfigsSchema,
  alterPartitionReassignmentsSchema,
  listPartitionReassignmentsSchema,
  offsetDeleteSchema,
  describeClientQuotasSchema,
  alterClientQuotasSchema,
  describeUserScramCredentialsSchema,
  alterUserScramCredentialsSchema,
  voteSchema,
  beginQuorumEpochSchema,
  endQuorumEpochSchema,
  describeQuorumSchema,
  alterPartitionSchema,
  updateFeaturesSchema,
  envelopeSchema,
  fetchSnapshotSchema,
  describeClusterSchema,
  describeProducersSchema,
  brokerRegistrationSchema,
  brokerHeartbeatSchema,
  unregisterBrokerSchema,
  describeTransactionsSchema,
  listTransactionsSchema,
  allocateProducerIdsSchema,
  consumerGroupHeartbeatSchema,
  consumerGroupDescribeSchema,
  controllerRegistrationSchema,
  getTelemetrySubscriptionsSchema,
  pushTelemetrySchema,
  assignReplicasToDirsSchema,
  listConfigResourcesSchema,
  describeTopicPartitionsSchema,
  shareGroupHeartbeatSchema,
  shareGroupDescribeSchema,
  shareFetchSchema,
  shareAcknowledgeSchema,
  addRaftVoterSchema,
  removeRaftVoterSchema,
  updateRaftVoterSchema,
  initializeShareGroupStateSchema,
  readShareGroupStateSchema,
  writeShareGroupStateSchema,
  deleteShareGroupStateSchema,
  readShareGroupStateSummarySchema,
  streamsGroupHeartbeatSchema,
  streamsGroupDescribeSchema,
  describeShareGroupOffsetsSchema,
  alterShareGroupOffsetsSchema,
  deleteShareGroupOffsetsSchema,
  streamsGroupTopologyDescriptionUpdateSchema,
  unregisterControllerSchema,
];

/** Every message that is not the request or response of an API. */
export const messages: readonly Message[] = [
  requestHeaderSchema,
  responseHeaderSchema,
  consumerProtocolSubscriptionSchema,
  consumerProtocolAssignmentSchema,
  legacyOffsetCommitKeySchema,
  legacyOffsetCommitValueSchema,
  offsetCommitKeySchema,
  offsetCommitValueSchema,
  groupMetadataKeySchema,
  groupMetadataValueSchema,
  consumerGroupMetadataKeySchema,
  consumerGroupMetadataValueSchema,
  consumerGroupPartitionMetadataKeySchema,
  consumerGroupPartitionMetadataValueSchema,
  consumerGroupMemberMetadataKeySchema,
  consumerGroupMemberMetadataValueSchema,
  consumerGroupTargetAssignmentMetadataKeySchema,
  consumerGroupTargetAssignmentMetadataValueSchema,
  consumerGroupTargetAssignmentMemberKeySchema,
  consumerGroupTargetAssignmentMemberValueSchema,
  consumerGroupCurrentMemberAssignmentKeySchema,
  consumerGroupCurrentMemberAssignmentValueSchema,
  consumerGroupRegularExpressionKeySchema,
  consumerGroupRegularExpressionValueSchema,
  shareGroupMemberMetadataKeySchema,
  shareGroupMemberMetadataValueSchema,
  shareGroupMetadataKeySchema,
  shareGroupMetadataValueSchema,
  shareGroupTargetAssignmentMetadataKeySchema,
  shareGroupTargetAssignmentMetadataValueSchema,
  shareGroupTargetAssignmentMemberKeySchema,
  shareGroupTargetAssignmentMemberValueSchema,
  shareGroupCurrentMemberAssignmentKeySchema,
  shareGroupCurrentMemberAssignmentValueSchema,
  shareGroupStatePartitionMetadataKeySchema,
  shareGroupStatePartitionMetadataValueSchema,
  streamsGroupMetadataKeySchema,
  streamsGroupMetadataValueSchema,
  streamsGroupMemberMetadataKeySchema,
  streamsGroupMemberMetadataValueSchema,
  streamsGroupTargetAssignmentMetadataKeySchema,
  streamsGroupTargetAssignmentMetadataValueSchema,
  streamsGroupTargetAssignmentMemberKeySchema,
  streamsGroupTargetAssignmentMemberValueSchema,
  streamsGroupCurrentMemberAssignmentKeySchema,
  streamsGroupCurrentMemberAssignmentValueSchema,
  streamsGroupTopologyKeySchema,
  streamsGroupTopologyValueSchema,
  shareSnapshotKeySchema,
  shareSnapshotValueSchema,
  shareUpdateKeySchema,
  shareUpdateValueSchema,
  transactionLogKeySchema,
  transactionLogValueSchema,
  controlRecordTypeSchemaSchema,
  endTxnMarkerSchema,
  leaderChangeMessageSchema,
  snapshotHeaderRecordSchema,
  snapshotFooterRecordSchema,
  kRaftVersionRecordSchema,
  votersRecordSchema,
  abortedTxnSchema,
  defaultPrincipalDataSchema,
];
