import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { addOffsetsToTxnApi } from '@odradek/protocol/generated/apis/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '@odradek/protocol/generated/apis/add-partitions-to-txn.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { saslAuthenticateApi } from '@odradek/protocol/generated/apis/sasl-authenticate.ts';
import { saslHandshakeApi } from '@odradek/protocol/generated/apis/sasl-handshake.ts';
import { shareAcknowledgeApi } from '@odradek/protocol/generated/apis/share-acknowledge.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import { shareGroupHeartbeatApi } from '@odradek/protocol/generated/apis/share-group-heartbeat.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { txnOffsetCommitApi } from '@odradek/protocol/generated/apis/txn-offset-commit.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { readRequestHeader, writeResponseHeader } from '@odradek/protocol/request-header.ts';
import { FrameSplitter } from '../../src/network/frame-splitter.ts';

type AnyApi = ApiCodec<unknown, never, unknown, unknown>;

/** What a script may do instead of giving a response. */
export const CUT = Symbol('cut the connection');
export const SILENCE = Symbol('never answer');
export const RUBBISH = Symbol('an answer that nobody can read');
export const NO_ANSWER = Symbol('the request has no answer');

export interface ScriptedRequest {
  readonly name: string;
  readonly version: number;
  readonly body: unknown;
}

type Answer = object | typeof CUT | typeof SILENCE | typeof RUBBISH | typeof NO_ANSWER;
export type Script<Request> = (request: Request, version: number) => Answer | Promise<Answer>;

const APIS: readonly AnyApi[] = [
  apiVersionsApi,
  metadataApi,
  produceApi,
  fetchApi,
  listOffsetsApi,
  initProducerIdApi,
  createTopicsApi,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
  addPartitionsToTxnApi,
  addOffsetsToTxnApi,
  txnOffsetCommitApi,
  endTxnApi,
  consumerGroupHeartbeatApi,
  shareGroupHeartbeatApi,
  shareFetchApi,
  shareAcknowledgeApi,
  saslHandshakeApi,
  saslAuthenticateApi,
  alterPartitionReassignmentsApi,
  electLeadersApi,
  listGroupsApi,
  describeConfigsApi,
  incrementalAlterConfigsApi,
] as unknown as AnyApi[];

/** A broker whose answers a test writes. One process, one port, any number of connections. */
export class ScriptedBroker {
  readonly requests: ScriptedRequest[] = [];
  connections = 0;
  /** Requests that have come and are not answered. */
  waiting = 0;
  /** Told to clients; versions outside are not refused. */
  versionMax = new Map<number, number>();
  /** The level of the feature `transaction.version` that the cluster is said to have agreed on. */
  transactionVersion = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly scripts = new Map<number, Script<never>>();

  private constructor() {
    this.server = createServer((socket) => this.serve(socket));
    this.on(apiVersionsApi, () => ({
      errorCode: 0,
      apiKeys: this.apiKeys(),
      finalizedFeaturesEpoch: 1,
      finalizedFeatures: [
        { name: 'transaction.version', maxVersionLevel: this.transactionVersion, minVersionLevel: 0 },
      ],
    }));
    this.on(metadataApi, () => this.clusterOf('t', 2));
    this.on(initProducerIdApi, () => ({ errorCode: 0, producerId: 1_000, producerEpoch: 0 }));
  }

  static async start(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker();
    await new Promise<void>((resolve) => broker.server.listen(0, '127.0.0.1', resolve));
    return broker;
  }

  /** Connections that are not closed. */
  get openCount(): number {
    return this.sockets.size;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${this.port}`;
  }

  on<Request>(api: ApiCodec<Request, never, unknown, never>, script: Script<Request>): void {
    this.scripts.set(api.key, script as Script<never>);
  }

  bodies<Request>(api: ApiCodec<Request, never, unknown, never>): Request[] {
    return this.requests.filter(({ name }) => name === api.name).map(({ body }) => body as Request);
  }

  /** This broker as node 1, leader of a topic. */
  clusterOf(topic: string, partitionCount: number, leaderEpoch = 0): object {
    return {
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: this.port }],
      clusterId: 'scripted',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: topic,
          topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
          isInternal: false,
          partitions: Array.from({ length: partitionCount }, (_, partitionIndex) => ({
            errorCode: 0,
            partitionIndex,
            leaderId: 1,
            leaderEpoch,
            replicaNodes: [1],
            isrNodes: [1],
            offlineReplicas: [],
          })),
        },
      ],
    };
  }

  cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  apiKeys(): { apiKey: number; minVersion: number; maxVersion: number }[] {
    return APIS.map(({ key, versionMin, versionMax }) => ({
      apiKey: key,
      minVersion: versionMin,
      maxVersion: this.versionMax.get(key) ?? versionMax,
    }));
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    let turn: Promise<void> = Promise.resolve();
    const splitter = new FrameSplitter(1e8, (frame) => {
      const copy = Buffer.from(frame);
      this.waiting++;
      turn = turn
        .then(() => this.answer(socket, copy))
        .finally(() => this.waiting--)
        .catch((error: unknown) => {
          // A script that is wrong must not look like a client that waits.
          process.stderr.write(`script: ${String(error)}\n`);
          socket.destroy();
        });
    });
    socket.on('data', (chunk) => splitter.push(chunk as Buffer));
  }

  private async answer(socket: Socket, frame: Buffer): Promise<void> {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const api = APIS.find(({ key }) => key === apiKey);
    if (api === undefined) throw new Error(`the script knows no API ${apiKey}`);
    const body = api.readRequest(reader, Math.min(apiVersion, api.versionMax));
    this.requests.push({ name: api.name, version: apiVersion, body });
    const response = await this.scripts.get(apiKey)!(body as never, apiVersion);
    if (response === CUT) socket.destroy();
    if (response === RUBBISH) socket.write(rubbish(correlationId));
    if (typeof response === 'symbol') return;
    const writer = new Writer();
    // An unknown version of ApiVersions is answered in the layout of version 0.
    const refused = apiKey === apiVersionsApi.key && (response as { errorCode: number }).errorCode === 35;
    const version = refused ? 0 : apiVersion;
    writeResponseHeader(writer, apiKey, version, correlationId);
    api.writeResponse(writer, response, version);
    const bytes = writer.toBuffer();
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    socket.write(Buffer.concat([length, bytes]));
  }
}

/** Half a header, no body. */
function rubbish(correlationId: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeInt32BE(6);
  bytes.writeInt32BE(correlationId, 4);
  return bytes;
}
