/**
 * Writes docs/apis.md from the list of handlers.
 *
 *     node scripts/generate-api-docs.ts           writes the file
 *     node scripts/generate-api-docs.ts --check   writes nothing; fails when the file is not what would be written
 */
import { handlerRegistry } from '../packages/broker/src/handlers/index.ts';
import { apiTable, type ApiTableRow } from '../packages/protocol/src/generated/api-table.ts';
import { publishPage, table } from './generated-page.ts';

/** Why an API is absent. Every API that is neither served nor named here fails this script. */
const ABSENT: readonly { readonly because: string; readonly names: readonly string[] }[] = [
  {
    because: 'transactions are not served yet',
    names: [
      'AddPartitionsToTxn',
      'AddOffsetsToTxn',
      'EndTxn',
      'WriteTxnMarkers',
      'TxnOffsetCommit',
      'DescribeTransactions',
      'ListTransactions',
    ],
  },
  {
    because: 'access control, authentication and quotas are not served yet',
    names: [
      'SaslHandshake',
      'SaslAuthenticate',
      'DescribeAcls',
      'CreateAcls',
      'DeleteAcls',
      'CreateDelegationToken',
      'RenewDelegationToken',
      'ExpireDelegationToken',
      'DescribeDelegationToken',
      'DescribeClientQuotas',
      'AlterClientQuotas',
      'DescribeUserScramCredentials',
      'AlterUserScramCredentials',
    ],
  },
  {
    because: 'the new group protocols (KIP-848, KIP-932, KIP-1071) are not served yet; the classic one is',
    names: [
      'ConsumerGroupHeartbeat',
      'ConsumerGroupDescribe',
      'ShareGroupHeartbeat',
      'ShareGroupDescribe',
      'ShareFetch',
      'ShareAcknowledge',
      'InitializeShareGroupState',
      'ReadShareGroupState',
      'WriteShareGroupState',
      'DeleteShareGroupState',
      'ReadShareGroupStateSummary',
      'DescribeShareGroupOffsets',
      'AlterShareGroupOffsets',
      'DeleteShareGroupOffsets',
      'StreamsGroupHeartbeat',
      'StreamsGroupDescribe',
      'StreamsGroupTopologyDescriptionUpdate',
    ],
  },
  {
    because: 'of Kafka without ZooKeeper, whose place the coordination tree has here',
    names: [
      'Vote',
      'BeginQuorumEpoch',
      'EndQuorumEpoch',
      'DescribeQuorum',
      'UpdateFeatures',
      'Envelope',
      'FetchSnapshot',
      'BrokerRegistration',
      'BrokerHeartbeat',
      'UnregisterBroker',
      'ControllerRegistration',
      'AssignReplicasToDirs',
      'AddRaftVoter',
      'RemoveRaftVoter',
      'UpdateRaftVoter',
      'UnregisterController',
    ],
  },
  {
    because: "clients' metrics are not collected",
    names: ['GetTelemetrySubscriptions', 'PushTelemetry'],
  },
];

/** Why the newest versions of an API that is served are left out. */
const VERSIONS_LEFT_OUT: Readonly<Record<string, string>> = {
  InitProducerId:
    'v6 is of transactions in two phases (KIP-939), and Kafka itself does not serve it by default',
};

await publishPage('docs/apis.md', document());

function document(): string {
  const served = apiTable.filter(({ key }) => handlerRegistry.has(key));
  const absent = apiTable.filter(({ key }) => !handlerRegistry.has(key));
  return [
    '<!-- Written by scripts/generate-api-docs.ts from the list of handlers; not to be edited. -->',
    '# The APIs of the protocol',
    `Of the ${apiTable.length} APIs of Apache Kafka up to 4.4 a broker serves ${served.length}, each from its first version, also those versions that Kafka 4 dropped. ApiVersions tells clients exactly these. A request in a version or of an API that is not served cuts its connection, as in Kafka; only ApiVersions itself is answered in version 0.`,
    table(['key', 'API', 'versions', ''], served.map(servedRow)),
    '## Not served',
    'The codecs of all versions of these exist, for clients and for what is still to come.',
    table(['key', 'API', 'because'], absent.map(absentRow)),
  ].join('\n\n');
}

function servedRow({ key, name, versionMax: versionKnown }: ApiTableRow): string[] {
  const { versionMin, versionMax } = handlerRegistry.get(key)!;
  const reason = VERSIONS_LEFT_OUT[name];
  if (versionMax < versionKnown && reason === undefined)
    throw new Error(`why is ${name} v${versionKnown} absent?`);
  return [String(key), name, `${versionMin} to ${versionMax}`, versionMax < versionKnown ? reason! : ''];
}

function absentRow({ key, name }: ApiTableRow): string[] {
  const reason = ABSENT.find(({ names }) => names.includes(name));
  if (reason === undefined) throw new Error(`why is ${name} absent?`);
  return [String(key), name, reason.because];
}
